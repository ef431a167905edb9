import Basics
import Plugin
import RPC

/// The question whether a command may run, for the user of a client.
struct Confirmation: Sendable {
  /// Targets that a question names; the others are counted.
  private static let maximumNames = 20
  /// Bytes of a value that is shown.
  private static let maximumValueBytes = 200
  /// The name of the question among `inputRequests`.
  static let key = "confirm"

  enum Need: Equatable { case none, ask, refuse }

  let request: InvokeRequest

  /// Whether the user is to be asked.
  func need(_ mode: MCPOptions.Confirmation, canAsk: Bool) -> Need {
    switch mode {
    case .never: .none
    case .destructive: request.command.effect == .destructive && canAsk ? .ask : .none
    case .always: request.command.effect == .read ? .none : canAsk ? .ask : .refuse
    }
  }

  /// What would be done to what, in words.
  var message: String {
    let about = request.command.about
    let connection = request.connection.connection.name.map { " on the connection \($0)" } ?? ""
    var lines = ["\(request.integration.about.title): \(about.title)\(connection)?"]
    let secrets = request.command.shape.secretNames
    if let arguments = request.arguments {
      for argument in arguments.members {
        let name = argument.name.string ?? ""
        let value = secrets.contains(name) ? SecretScrubber.replacement : Self.text(argument.value)
        lines.append("\(name): \(value)")
      }
    }
    if request.command.effect == .destructive {
      lines.append("What it takes away cannot simply be put back.")
    }
    return lines.joined(separator: "\n")
  }

  private static func text(_ value: JSON) -> String {
    guard value.kind == .array else { return short(value) }
    var names: [String] = []
    for element in value.elements.map(short) where !names.contains(element) {
      names.append(element)
    }
    let more = names.count - maximumNames
    return names.prefix(maximumNames).joined(separator: ", ")
      + (more > 0 ? " and \(more) more" : "") + (names.count > 1 ? " (\(names.count))" : "")
  }

  private static func short(_ value: JSON) -> String {
    let text = value.string ?? JSONFragment(value).text
    guard text.utf8.count > maximumValueBytes else { return text }
    return String(decoding: text.utf8.prefix(maximumValueBytes), as: UTF8.self) + "…"
  }

  /// Writes the params of `elicitation/create`. The form has no fields: sending it is the consent.
  func writeParams(for caller: MCPCaller, to writer: inout JSONWriter) {
    writer.object { writer in
      if caller.revision >= .november2025 { writer.member("mode", "form") }
      writer.member("message", message)
      writer.name("requestedSchema")
      writer.literal(#"{"type":"object","properties":{}}"#)
    }
  }

  /// The error of a command that the user did not want, or could not be asked about.
  static func refusal(_ command: RegisteredCommand, _ sentence: String, remedy: String) -> RPCError
  {
    Failure.command(CommandError(.policy, sentence, remedy: remedy), indicator: command.failure)
  }

  static func declined(_ command: RegisteredCommand) -> RPCError {
    refusal(
      command, "The user did not confirm it.", remedy: "Ask the user what is to be done instead.")
  }
}

/// Questions that were given back to stateless clients, by the token that comes with the answer.
/// Used by the reading thread only.
struct OpenQuestions {
  /// Questions that are kept; the oldest ones are forgotten, and asked again.
  private static let maximum = 1_000

  private var asked: [(token: String, identity: IdempotencyLedger.Identity)] = []

  mutating func add(_ request: InvokeRequest) -> String {
    let token = UniqueID.make()
    if asked.count >= Self.maximum { asked.removeFirst() }
    asked.append((token, request.identity))
    return token
  }

  /// Whether the token belongs to a question about this very call; it does so once.
  mutating func take(_ token: String, for request: InvokeRequest) -> Bool {
    guard let position = asked.firstIndex(where: { $0.token == token }),
      asked[position].identity == request.identity
    else { return false }
    asked.remove(at: position)
    return true
  }
}
