import Basics
import Glibc
import JSON
import Redaction

/// A setting that is a secret: itself, or where it is kept. Read when it is first needed.
public enum SecretReference: Sendable {
  case literal(String)
  /// `{"$env":"NAME"}`
  case environment(String)
  /// `{"$file":"PATH"}`; one line end at its end is dropped.
  case file(String)
  /// `{"$command":["op","read","…"],"environment":["NAME"]}`: what it prints; one line end at its end
  /// is dropped. It gets the named variables of the host beside those that every program gets.
  case command([String], environment: [String] = [])

  /// Maximum length of a secret in bytes.
  public static let maximumBytes = 16 * 1_024
  /// Maximum length of a secret document in bytes, such as the key of a service account.
  public static let maximumDocumentBytes = 64 * 1_024
  /// Milliseconds that a command may take: time for a person to confirm on a device.
  static let commandMilliseconds = 20_000
  /// Milliseconds after its deadline in which a command that is killed ends.
  private static let endingMilliseconds = 500

  /// Why a secret is unavailable. Names the source, never the value.
  public struct Fault: Error, Sendable {
    public var kind = CommandError.Kind.auth
    public var reason: String
    public var remedy: String

    /// The failure of a command that needs the secret.
    ///
    /// - Parameter what: such as `The password`.
    public func error(reading what: String) -> CommandError {
      if kind == .cancelled { return .cancelled(outcome: .notApplied) }
      return CommandError(
        kind, "\(what) cannot be read: \(reason).",
        isRetryable: kind == .timeout || kind == .unavailable, remedy: remedy)
    }

    init(reason: String, remedy: String, kind: CommandError.Kind = .auth) {
      self.kind = kind
      self.reason = reason
      self.remedy = remedy
    }
  }

  /// Blocks while a file is read or a command runs.
  private func read(
    until deadline: Deadline, _ secrets: Redactor, _ stop: ChildProcess.Stop
  ) throws(Fault) -> String {
    switch self {
    case .literal(let text): return text
    case .environment(let name):
      guard let value = getenv(name) else {
        throw Fault(
          reason: "the environment variable \(name) is not set",
          remedy: "Set \(name) for the process that starts sallyport.")
      }
      return String(cString: value)
    case .file(let path):
      do throws(FileError) {
        return Self.text(
          try TrustedFile.read(path, limit: Self.maximumDocumentBytes, deadline: deadline).bytes)
      } catch {
        throw Fault(error)
      }
    case .command(let words, let variables):
      let command = SecretCommand(words, variables, secrets)
      return Self.text(try command.output(by: deadline, stop))
    }
  }

  private var place: String {
    switch self {
    case .literal: "the setting"
    case .environment(let name): "the environment variable \(name)"
    case .file(let path): "\(path)"
    case .command(let words, _): "the output of the command \(words.first ?? "")"
    }
  }

  private var emptyFault: Fault {
    if case .command = self {
      return Fault(
        reason: "\(place) is empty",
        remedy: "Run it by hand. If it needs a variable of the environment, name it in "
          + "\"environment\" beside $command.")
    }
    return Fault(reason: "\(place) is empty", remedy: "Put the secret there.")
  }

  private static func text(_ bytes: [UInt8]) -> String {
    var content = bytes[...]
    if content.last == 0x0A { content = content.dropLast() }
    if content.last == 0x0D { content = content.dropLast() }
    return String(decoding: content, as: UTF8.self)
  }

  /// Reads the secret in blocking work, and redacts it from all output from then on.
  ///
  /// A command is killed when nobody waits for the secret any more.
  ///
  /// - Parameters:
  ///   - maximumBytes: the maximum length of the secret.
  ///   - deadline: of the invocation that needs it. A command has 20 s at most.
  public func resolve(
    _ secrets: Redactor, maximumBytes: Int = SecretReference.maximumBytes, by deadline: Deadline
  ) async throws(Fault) -> String {
    let value: String
    switch self {
    case .literal, .environment: value = try read(until: deadline, secrets, ChildProcess.Stop())
    case .file, .command: value = try await readBlocking(secrets, by: deadline)
    }
    guard !value.isEmpty else { throw emptyFault }
    guard value.utf8.count <= maximumBytes else {
      throw Fault(
        reason: "\(place) has more than \(maximumBytes) bytes",
        remedy: "Put only the secret there.")
    }
    secrets.add(value)
    return value
  }

  private func readBlocking(
    _ secrets: Redactor, by deadline: Deadline
  ) async throws(Fault) -> String {
    let deadline = deadline.orEarlier(inMilliseconds: Self.commandMilliseconds)
    let stop = ChildProcess.Stop()
    FlightInterest.current?.whenAbandoned { stop.stop() }
    let result: Result<Result<String, Fault>, BlockingWork.Interruption>
    result = await withTaskCancellationHandler {
      do throws(BlockingWork.Interruption) {
        // Its own deadline ends it: the run waits for that, so as not to lose the reason.
        return .success(
          try await BlockingWork.helpers.run(
            until: Deadline(at: deadline.time.adding(milliseconds: Self.endingMilliseconds))
          ) {
            Result { () throws(Fault) in try read(until: deadline, secrets, stop) }
          })
      } catch {
        // Also a command that is about to start.
        stop.stop()
        return .failure(error)
      }
    } onCancel: {
      stop.stop()
    }
    switch result {
    case .success(let value): return try value.get()
    case .failure(let interruption): throw Fault(interruption, place)
    }
  }
}

extension SecretReference.Fault {
  fileprivate init(_ error: FileError) {
    switch error.code {
    case EMFILE, ENFILE, ENOMEM:
      self.init(
        reason: "\(error)", remedy: "Raise the limit of descriptors of this user.",
        kind: .unavailable)
    case ETIMEDOUT:
      self.init(
        reason: "\(error)", remedy: "Check what writes to the other end of it.", kind: .timeout)
    case _ where error.isRefusal:
      self.init(reason: "\(error)", remedy: "Only this user or root may change the file.")
    default: self.init(reason: "\(error)", remedy: "Check the path and who may read it.")
    }
  }

  fileprivate init(_ interruption: BlockingWork.Interruption, _ place: String) {
    switch interruption {
    case .deadline:
      self.init(
        reason: "\(place) did not come in time", remedy: "Check what delays it.", kind: .timeout)
    case .cancelled:
      self.init(reason: "the request was cancelled", remedy: "", kind: .cancelled)
    case .noThread(let code):
      self.init(
        reason: "no thread is left: \(String(cString: strerror(code)))",
        remedy: "Raise the limit of threads of this user.", kind: .unavailable)
    }
  }
}

/// A secret in a connection's settings. Over the wire only a literal is taken: a caller must not
/// make the host read files or run programs.
public struct SecretType: ParameterType {
  var maximumBytes = SecretReference.maximumBytes

  public var placeholder: SecretReference { .literal("") }
  public var isSecret: Bool { true }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> SecretReference? {
    if let text = json.string, !text.isEmpty {
      guard let problem = SecretText.problem(text, maximumBytes: maximumBytes) else {
        return .literal(text)
      }
      faults.append(problem)
      return nil
    }
    if json.kind == .object, json.count == 1 {
      if let name = json["$env"]?.string, !name.isEmpty { return .environment(name) }
      if let path = json["$file"]?.string, !path.isEmpty { return .file(path) }
    }
    if let command = Self.command(json) { return command }
    faults.append(
      ParameterProblem(
        #"must be a string, {"$env":"NAME"}, {"$file":"PATH"} or {"$command":["PROGRAM","…"],"environment":["NAME"]}"#
      ))
    return nil
  }

  private static func command(_ json: JSON) -> SecretReference? {
    guard json.kind == .object, json["$command"] != nil,
      json.count == (json["environment"] == nil ? 1 : 2),
      let words = texts(json["$command"]), !words.isEmpty,
      let variables = json["environment"] == nil ? [] : texts(json["environment"])
    else { return nil }
    // An equals sign would be part of a value.
    let areNames = variables.allSatisfy { !$0.isEmpty && !$0.contains("=") }
    return areNames ? .command(words, environment: variables) : nil
  }

  /// Nil unless it is an array of strings that the system can pass to a program.
  private static func texts(_ json: JSON?) -> [String]? {
    guard let json, json.kind == .array else { return nil }
    let texts = json.elements.compactMap(\.string)
    return texts.count == json.count && texts.allSatisfy { !$0.utf8.contains(0) } ? texts : nil
  }

  public func writeSchema(to writer: inout JSONWriter) {
    writer.member("writeOnly", true)
    writer.name("anyOf")
    writer.array { writer in
      writer.literal(#"{"type":"string","minLength":1}"#)
      for reference in ["$env", "$file"] {
        writer.object {
          $0.literal(#""type":"object""#)
          $0.name("properties")
          $0.object {
            $0.name(text: reference)
            $0.literal(#"{"type":"string","minLength":1}"#)
          }
          $0.name("required")
          $0.array { $0.string(reference) }
          $0.member("additionalProperties", false)
        }
      }
      writer.literal(
        #"""
        {"type":"object","properties":{"$command":{"type":"array","items":{"type":"string"},"minItems":1},"environment":{"type":"array","items":{"type":"string","pattern":"^[^=]+$"}}},"required":["$command"],"additionalProperties":false}
        """#)
    }
  }

  public func write(_ value: SecretReference, to writer: inout JSONWriter) {
    writer.string(Redactor.replacement)
  }
}

/// The text of a secret that a caller passes.
enum SecretText {
  /// Why the text cannot be a secret; nil if it can.
  static func problem(_ text: String, maximumBytes: Int) -> ParameterProblem? {
    if text.utf8.count > maximumBytes {
      return ParameterProblem("must have at most \(maximumBytes) bytes")
    }
    if text == Redactor.replacement {
      return ParameterProblem(
        "is the placeholder that replaces secrets in output; pass the secret itself")
    }
    return nil
  }
}

extension ParameterType where Self == SecretType {
  public static var secret: SecretType { SecretType() }
}
