import HTTP
import IntegrationKit

/// A command with one idempotent call per message. The batch endpoint combines many calls in one
/// request, which saves round trips. Calls that the batch left unresolved are retried individually.
///
/// Does not use `messages.batchModify`, which accepts 1,000 messages per call: it returns no
/// outcome per message and silently skips unknown IDs.
protocol GmailBatchCommand: GmailCommand, TargetCommand {}

extension GmailBatchCommand {
  func batchSize(for targets: Int, with client: GmailClient) -> Int {
    client.batchSize(for: targets, of: Self.metadata.id)
  }

  func plan(with client: GmailClient, add: (consuming HTTPRequest) -> Void) {
    let targets = targets(with: client)
    let size = batchSize(for: targets.count, with: client)
    guard size > 1 else {
      for target in targets { add(target.request) }
      return
    }
    for start in stride(from: 0, to: targets.count, by: size) {
      add(client.batch(targets[start...].prefix(size).map(\.request)))
    }
  }

  func run(
    _ batch: [Target], with client: GmailClient, in invocation: Invocation
  ) async -> [BatchAnswer] {
    await client.exchange(batch, in: invocation)
  }
}
