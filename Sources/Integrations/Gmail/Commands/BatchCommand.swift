import HTTP
import IntegrationKit

/// A command with one call for each message, which may be made twice: many of them go in one request
/// to the batch endpoint, which saves their round trips, and what it leaves open is asked alone.
///
/// Not `messages.batchModify`, though that takes 1,000 messages in one call: it has no answer for each,
/// and passes over ids that nothing has.
protocol GmailBatchCommand: GmailCommand, TargetCommand {}

extension GmailBatchCommand {
  func batchSize(for targets: Int, with client: GmailClient) -> Int {
    client.batchSize(for: targets, of: Self.metadata.id)
  }

  func plan(with client: GmailClient) -> [HTTPRequest] {
    let targets = targets(with: client)
    let size = batchSize(for: targets.count, with: client)
    guard size > 1 else { return targets.flatMap { client.previews($0.request) } }
    return stride(from: 0, to: targets.count, by: size).flatMap { start in
      client.previews(client.batch(targets[start...].prefix(size).map(\.request)))
    }
  }

  func run(
    _ batch: [Target], with client: GmailClient, in invocation: Invocation
  ) async -> [BatchAnswer] {
    await client.exchange(batch, in: invocation)
  }
}
