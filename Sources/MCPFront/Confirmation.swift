import Engine
import IntegrationKit
import JSON
import RPC
import Redaction

/// The question to the user whether a command may run.
struct Confirmation: Sendable {
  /// Maximum number of targets in a question. A resource contains all of them if there are more.
  static let maximumNames = 20
  /// The name of the question among `inputRequests`.
  static let key = "confirm"
  /// How long an answer is waited for if the call has no timeout, in milliseconds.
  static let defaultTimeoutMilliseconds = 600_000

  enum Need: Equatable { case none, ask, refuse }

  let invocation: PreparedInvocation
  /// Names of targets by id.
  var names: [String: String] = [:]
  /// The files with all targets.
  let lists: TargetLists

  /// Whether to ask the user. A command that may not run without the user's consent does not run if
  /// the user cannot be asked.
  static func need(
    _ mode: MCPOptions.Confirmation, of command: RegisteredCommand, canAsk: Bool
  ) -> Need {
    isDue(mode, of: command) ? canAsk ? .ask : .refuse : .none
  }

  private static func isDue(
    _ mode: MCPOptions.Confirmation, of command: RegisteredCommand
  ) -> Bool {
    switch mode {
    case .never: false
    case .destructive: command.effect == .destructive || command.metadata.isSensitive
    case .always: command.effect != .read
    }
  }

  // MARK: The question

  /// An argument of the command.
  struct Argument {
    let name: String
    let value: JSON
    let isSecret: Bool
    /// The distinct elements of a list; empty for other values and for secrets.
    var targets: [String] {
      guard value.kind == .array, !isSecret else { return [] }
      return value.elements.map(Confirmation.plain).withoutDuplicates()
    }

    /// Without duplicates: the last of several members with the same name is used.
    static func all(of invocation: PreparedInvocation) -> [Argument] {
      guard let arguments = invocation.request.arguments else { return [] }
      let secrets = invocation.command.shape.secretNames
      let names = arguments.members.compactMap(\.name.string).withoutDuplicates()
      return names.compactMap { name in
        arguments[name].map {
          Argument(name: name, value: $0, isSecret: secrets.contains(name))
        }
      }
    }
  }

  /// The command, its arguments and its notes, as text.
  private var message: String {
    let connection = invocation.connection.connection.name.map {
      " on the connection \(ShownText.name($0))"
    }
    var lines = [
      "\(invocation.request.integration.metadata.title): \(invocation.command.metadata.title)\(connection ?? "")?"
    ]
    for argument in Argument.all(of: invocation) {
      lines.append(
        "\(argument.name): \(argument.isSecret ? Redactor.replacement : text(argument))")
    }
    for note in invocation.confirmationNotes {
      let values = note.values.map(ShownText.value).joined(separator: "; ")
      lines.append("\(ShownText.name(note.title)): \(values)")
    }
    if invocation.command.effect == .destructive {
      lines.append("This cannot be undone.")
    }
    return lines.joined(separator: "\n")
  }

  private func text(_ argument: Argument) -> String {
    guard argument.value.kind == .array else { return named(Self.plain(argument.value)) }
    // Count before shortening.
    let targets = argument.targets
    let more = targets.count - Self.maximumNames
    let all = lists[argument.name].map {
      "; all of them: \(FileResource.uri($0.id)), file \($0.path)"
    }
    return targets.prefix(Self.maximumNames).map(named).joined(separator: "; ")
      + (more > 0 ? " and \(more) more" : "") + (targets.count > 1 ? " (\(targets.count))" : "")
      + (all ?? "")
  }

  private static func plain(_ value: JSON) -> String { value.string ?? JSONFragment(value).text }

  private func named(_ target: String) -> String {
    let id = ShownText.value(target)
    return names[target].map { "\(ShownText.quotedName($0)) (\(id))" } ?? id
  }

  /// The params of `elicitation/create`. The form has no fields: submitting it is the consent.
  private func writeParams(for caller: MCPCaller, to writer: inout JSONWriter) {
    writer.object { writer in
      if caller.revision >= .november2025 { writer.member("mode", "form") }
      writer.member("message", message)
      writer.name("requestedSchema")
      writer.literal(#"{"type":"object","properties":{}}"#)
    }
  }

  /// The request to a client with a session.
  func question(_ id: String, for caller: MCPCaller, by frames: FrameWriter) -> Frame {
    frames.request(id, "elicitation/create", redaction: .ownText) {
      writeParams(for: caller, to: &$0)
    }
  }

  /// The result for a client that repeats the call with the answer.
  func writeInputRequired(
    _ token: String, for caller: MCPCaller, to writer: inout JSONWriter
  ) {
    writer.result(for: caller, "input_required") { writer in
      writer.name("inputRequests")
      writer.object { writer in
        writer.name(text: Self.key)
        writer.object { writer in
          writer.member("method", "elicitation/create")
          writer.name("params")
          writeParams(for: caller, to: &writer)
        }
      }
      writer.member("requestState", token)
    }
  }

  /// The notification that an answer is no longer needed.
  static func withdrawal(of question: String, _ reason: String, by frames: FrameWriter) -> Frame {
    frames.notification("notifications/cancelled", redaction: .ownText) { writer in
      writer.object {
        $0.member("requestId", question)
        $0.member("reason", reason)
      }
    }
  }

  // MARK: Refusals

  /// The error of a command that was not confirmed.
  static func refusal(
    _ command: RegisteredCommand, _ sentence: String, remedy: String
  ) -> InvocationError {
    InvocationError(
      CommandError(.policy, sentence, remedy: remedy), indicator: command.failure)
  }

  /// The error of a client that cannot ask its user.
  ///
  /// - Parameter why: what the client did, such as "it answered the question with an error".
  static func unable(
    _ command: RegisteredCommand, _ mode: MCPOptions.Confirmation, why: String? = nil
  ) -> InvocationError {
    let weaker: MCPOptions.Confirmation = isDue(.destructive, of: command) ? .never : .destructive
    let reason = why.map { ": \($0)" } ?? ""
    return refusal(
      command,
      "The command requires confirmation, and this client cannot ask its user\(reason).",
      remedy: "Use a client that supports elicitation, or start the host with "
        + "--confirm \(weaker.rawValue).")
  }

  static func inBatch(_ command: RegisteredCommand) -> InvocationError {
    refusal(
      command, "The command requires confirmation, which is not possible in a batch.",
      remedy: "Send the call as a single request.")
  }

  static func timedOut(
    _ command: RegisteredCommand, afterMilliseconds milliseconds: Int
  ) -> InvocationError {
    InvocationError(
      CommandError(
        .timeout, "The user did not answer the question in \((milliseconds + 999) / 1_000) s.",
        remedy: "Retry the call, and answer its question in time."),
      indicator: command.failure)
  }

  static func declined(_ command: RegisteredCommand) -> InvocationError {
    refusal(
      command, "The user did not confirm the command.", remedy: "Ask the user what to do instead.")
  }

  static func inputEnded(_ command: RegisteredCommand) -> InvocationError {
    refusal(
      command, "The input ended before the user confirmed the command.",
      remedy: "Retry, and keep the input open until the response arrives.")
  }

  static func tooMany(_ command: RegisteredCommand) -> InvocationError {
    refusal(
      command, "\(Questions.maximumOpen) questions to the user are pending.",
      remedy: "Answer some of them, then retry.")
  }
}
