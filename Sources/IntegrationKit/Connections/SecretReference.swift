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
  /// `{"$command":["op","read","…"]}`: what it prints; one line end at its end is dropped.
  case command([String])

  /// Bytes of one secret at most.
  static let maximumBytes = 1_024 * 1_024
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

    fileprivate init(reason: String, remedy: String, kind: CommandError.Kind = .auth) {
      self.kind = kind
      self.reason = reason
      self.remedy = remedy
    }
  }

  /// Blocks while a file is read or a command runs.
  private func read(until deadline: Deadline) throws(Fault) -> String {
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
          try TrustedFile.read(path, limit: Self.maximumBytes, deadline: deadline).bytes)
      } catch {
        throw Fault(error)
      }
    case .command(let words): return Self.text(try Self.output(of: words, deadline))
    }
  }

  private static func output(
    of words: [String], _ deadline: Deadline
  ) throws(Fault) -> [UInt8] {
    let program = words.first ?? ""
    let result: (output: [UInt8], status: Int)
    do throws(ChildProcess.Refusal) {
      result = try ChildProcess.run(words, maximumBytes: maximumBytes, deadline: deadline)
    } catch {
      throw Fault(
        reason: "the command \(program) cannot be started: \(error.reason)",
        remedy: "Raise the limits of processes and descriptors of this user.", kind: .unavailable)
    }
    if result.status == 0 { return result.output }
    // 137 with time left is a signal from somebody else.
    if result.status == 137, deadline.hasPassed {
      throw Fault(
        reason: "the command \(program) did not end in time",
        remedy: "Run it by hand to see why; it may take \(commandMilliseconds / 1_000) s.",
        kind: .timeout)
    }
    throw Fault(
      reason: "the command \(program) ended with status \(result.status)",
      remedy: "Run it by hand to see why; its own messages are on stderr.")
  }

  private var place: String {
    switch self {
    case .literal: "the setting"
    case .environment(let name): "the environment variable \(name)"
    case .file(let path): "\(path)"
    case .command(let words): "the output of the command \(words.first ?? "")"
    }
  }

  private var emptyFault: Fault {
    Fault(reason: "\(place) is empty", remedy: "Put the secret there.")
  }

  private static func text(_ bytes: [UInt8]) -> String {
    var content = bytes[...]
    if content.last == 0x0A { content = content.dropLast() }
    if content.last == 0x0D { content = content.dropLast() }
    return String(decoding: content, as: UTF8.self)
  }

  /// Reads the secret in blocking work, and redacts it from all output from then on.
  ///
  /// - Parameter deadline: of the invocation that needs it. A command has 20 s at most.
  public func resolve(_ secrets: Redactor, by deadline: Deadline) async throws(Fault) -> String {
    let value: String
    switch self {
    case .literal, .environment: value = try read(until: deadline)
    case .file, .command:
      let deadline = deadline.orEarlier(inMilliseconds: Self.commandMilliseconds)
      let result: Result<String, Fault>
      do throws(BlockingWork.Interruption) {
        // Its own deadline ends it: the run waits for that, so as not to lose the reason.
        result = try await BlockingWork.helpers.run(
          until: Deadline(at: deadline.time.adding(milliseconds: Self.endingMilliseconds))
        ) {
          Result { () throws(Fault) in try read(until: deadline) }
        }
      } catch {
        throw Fault(error, place)
      }
      value = try result.get()
    }
    guard !value.isEmpty else { throw emptyFault }
    secrets.add(value)
    return value
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
  public var placeholder: SecretReference { .literal("") }
  public var isSecret: Bool { true }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> SecretReference? {
    if let text = json.string, !text.isEmpty { return .literal(text) }
    if json.kind == .object, json.count == 1 {
      if let name = json["$env"]?.string, !name.isEmpty { return .environment(name) }
      if let path = json["$file"]?.string, !path.isEmpty { return .file(path) }
      let words = json["$command"]?.elements.compactMap(\.string) ?? []
      if !words.isEmpty, words.count == json["$command"]?.count { return .command(words) }
    }
    faults.append(
      ParameterProblem(
        #"must be a string, {"$env":"NAME"}, {"$file":"PATH"} or {"$command":["PROGRAM","…"]}"#))
    return nil
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
        {"type":"object","properties":{"$command":{"type":"array","items":{"type":"string"},"minItems":1}},"required":["$command"],"additionalProperties":false}
        """#)
    }
  }

  public func write(_ value: SecretReference, to writer: inout JSONWriter) {
    writer.string(Redactor.replacement)
  }
}

extension ParameterType where Self == SecretType {
  public static var secret: SecretType { SecretType() }
}
