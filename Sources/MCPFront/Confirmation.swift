import Engine
import IntegrationKit
import JSON
import RPC
import Redaction

/// The question to the user whether a command may run.
struct Confirmation: Sendable {
  /// Maximum number of targets in a question. The others are only counted.
  static let maximumNames = 20
  /// Maximum length of a value in a question in bytes.
  private static let maximumValueBytes = 200
  /// The name of the question among `inputRequests`.
  static let key = "confirm"

  enum Need: Equatable { case none, ask, refuse }

  let invocation: PreparedInvocation
  /// Names of targets by id.
  var names: [String: String] = [:]

  /// Whether to ask the user.
  func need(_ mode: MCPOptions.Confirmation, canAsk: Bool) -> Need {
    switch mode {
    case .never: .none
    case .destructive: invocation.command.effect == .destructive && canAsk ? .ask : .none
    case .always: invocation.command.effect == .read ? .none : canAsk ? .ask : .refuse
    }
  }

  // MARK: The question

  /// The command and its arguments as text.
  private var message: String {
    let connection = invocation.connection.connection.name.map {
      " on the connection \(Self.onOneLine($0))"
    }
    var lines = [
      "\(invocation.request.integration.metadata.title): \(invocation.command.metadata.title)\(connection ?? "")?"
    ]
    for name in argumentNames {
      guard let value = invocation.request.arguments?[name] else { continue }
      let isSecret = invocation.command.shape.secretNames.contains(name)
      lines.append("\(name): \(isSecret ? Redactor.replacement : text(value))")
    }
    if invocation.command.effect == .destructive {
      lines.append("This cannot be undone.")
    }
    return lines.joined(separator: "\n")
  }

  /// Without duplicates: the last of several members with the same name is used.
  private var argumentNames: [String] {
    (invocation.request.arguments?.members.compactMap(\.name.string) ?? []).withoutDuplicates()
  }

  private func text(_ value: JSON) -> String {
    guard value.kind == .array else { return named(Self.plain(value)) }
    // Count before shortening.
    let targets = value.elements.map(Self.plain).withoutDuplicates()
    let more = targets.count - Self.maximumNames
    return targets.prefix(Self.maximumNames).map(named).joined(separator: "; ")
      + (more > 0 ? " and \(more) more" : "") + (targets.count > 1 ? " (\(targets.count))" : "")
  }

  private static func plain(_ value: JSON) -> String { value.string ?? JSONFragment(value).text }

  private func named(_ target: String) -> String {
    let shown = Self.onOneLine(target)
    let isPlain = shown.unicodeScalars.allSatisfy {
      $0.properties.isAlphabetic || ("0"..."9").contains($0)
        || "._@-+/:\\".unicodeScalars.contains($0)
    }
    let id = isPlain ? shown : Self.quoted(shown)
    return names[target].map { "\(Self.quoted(Self.onOneLine($0))) (\(id))" } ?? id
  }

  private static func quoted(_ text: String) -> String {
    "\"\(text.replacing("\"", with: "'"))\""
  }

  /// Names come from the vendor, and may come from an attacker, such as the sender of a mail. They must
  /// not look like a part of the question.
  private static func onOneLine(_ text: String) -> String {
    var line = ""
    for scalar in text.unicodeScalars {
      guard line.utf8.count < maximumValueBytes else { return line + "…" }
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate,
        .spaceSeparator:
        if line.last != " " { line += " " }
      default: line.unicodeScalars.append(scalar)
      }
    }
    return line
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
  static func withdrawal(of question: String, by frames: FrameWriter) -> Frame {
    frames.notification("notifications/cancelled", redaction: .ownText) { writer in
      writer.object {
        $0.member("requestId", question)
        $0.member("reason", "The call was cancelled.")
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
