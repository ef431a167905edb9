import Basics
import Engine
import IntegrationKit
import JSON

/// Looks up the names of the targets of a command for the confirmation question.
struct TargetNames: Sendable {
  /// Timeout of the lookup in milliseconds. After a timeout, the question contains only ids.
  private static let timeoutMilliseconds = 5_000

  private let naming: TargetNaming
  private let invocation: PreparedInvocation

  /// Nil if the targets have no names or the policy forbids reading them.
  init?(of invocation: PreparedInvocation, in engine: Engine, until deadline: Deadline) {
    let request = invocation.request
    guard let naming = invocation.command.metadata.targetNaming?(),
      request.arguments?[naming.parameter] != nil,
      let command = request.integration.commands.first(where: { $0.id == naming.command })
    else { return nil }
    var options = InvocationOptions.none
    options.timeoutMilliseconds = Int64(
      max(1, deadline.orEarlier(inMilliseconds: Self.timeoutMilliseconds).remainingMilliseconds))
    options.allPages = naming.listsEverything
    let lookUp = InvocationRequest(
      request.integration, command,
      on: invocation.connection.connection.name.map { .named($0) } ?? request.connection,
      arguments: naming.arguments(for: request.arguments, limit: Confirmation.maximumNames).json,
      options: options)
    guard let prepared = try? engine.prepare(lookUp) else { return nil }
    self.naming = naming
    self.invocation = prepared
  }

  /// The names by id. Empty if they cannot be read.
  func read(for caller: AuditCaller) async -> [String: String] {
    await invocation.run(for: caller) { outcome in
      guard case .result(let result) = outcome.content,
        let items = result.items(at: invocation.command.metadata.items)
      else { return [:] }
      let secrets = outcome.redaction.search
      return naming.names(of: items).mapValues(secrets.redact)
    }
  }
}
