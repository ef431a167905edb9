import Engine
import IntegrationKit
import JSON
import RPC
import Redaction

/// The question whether a command may run, for the user of a client.
struct Confirmation: Sendable {
  /// Targets that a question names; the others are counted.
  static let maximumNames = 20
  /// Bytes of a value that is shown.
  private static let maximumValueBytes = 200
  /// The name of the question among `inputRequests`.
  static let key = "confirm"

  enum Need: Equatable { case none, ask, refuse }

  let invocation: PreparedInvocation
  /// Names of targets, by their ids.
  var names: [String: String] = [:]

  /// Whether the user is to be asked.
  func need(_ mode: MCPOptions.Confirmation, canAsk: Bool) -> Need {
    switch mode {
    case .never: .none
    case .destructive: invocation.command.effect == .destructive && canAsk ? .ask : .none
    case .always: invocation.command.effect == .read ? .none : canAsk ? .ask : .refuse
    }
  }

  // MARK: The question

  /// What would be done to what, in words.
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
      lines.append("What it takes away cannot simply be put back.")
    }
    return lines.joined(separator: "\n")
  }

  /// Each once: of several members of one name it is the last that counts.
  private var argumentNames: [String] {
    (invocation.request.arguments?.members.compactMap(\.name.string) ?? []).withoutDuplicates()
  }

  private func text(_ value: JSON) -> String {
    guard value.kind == .array else { return named(Self.plain(value)) }
    // What is touched is counted before anything is made shorter.
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

  /// Names come from the vendor, and so from whoever sent the mail: they must not look like a part
  /// of the question.
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

  /// The params of `elicitation/create`. The form has no fields: sending it is the consent.
  private func writeParams(for caller: MCPCaller, to writer: inout JSONWriter) {
    writer.object { writer in
      if caller.revision >= .november2025 { writer.member("mode", "form") }
      writer.member("message", message)
      writer.name("requestedSchema")
      writer.literal(#"{"type":"object","properties":{}}"#)
    }
  }

  /// The request to a client that keeps a session.
  func question(_ id: String, for caller: MCPCaller, by frames: FrameWriter) -> Frame {
    frames.request(id, "elicitation/create") { writeParams(for: caller, to: &$0) }
  }

  /// The result for a client that sends the call again with the answer.
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
    frames.notification("notifications/cancelled") { writer in
      writer.object {
        $0.member("requestId", question)
        $0.member("reason", "The call was cancelled.")
      }
    }
  }

  // MARK: Refusals

  /// The error of a command that could not be asked about.
  static func refusal(
    _ command: RegisteredCommand, _ sentence: String, remedy: String
  ) -> InvocationError {
    InvocationError(
      CommandError(.policy, sentence, remedy: remedy), indicator: command.failure)
  }

  static func declined(_ command: RegisteredCommand) -> InvocationError {
    refusal(
      command, "The user did not confirm it.", remedy: "Ask the user what is to be done instead.")
  }

  static func inputEnded(_ command: RegisteredCommand) -> InvocationError {
    refusal(
      command, "The input ended before the user confirmed it.",
      remedy: "Send it again, and keep the input open until it is answered.")
  }

  static func tooMany(_ command: RegisteredCommand) -> InvocationError {
    refusal(
      command, "\(Questions.maximumOpen) questions to the user are open.",
      remedy: "Answer some of them first.")
  }
}
