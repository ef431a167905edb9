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

  /// Why a secret cannot be had; names the place, never the value.
  public struct Fault: Error, Sendable {
    public var reason: String
    public var remedy: String
  }

  /// Blocks while a file is read or a command runs.
  func read() throws(Fault) -> String {
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
      do {
        return Self.text(try FileDescriptor.readFile(path, limit: Self.maximumBytes))
      } catch {
        throw Fault(reason: "\(error)", remedy: "Check the path and who may read it.")
      }
    case .command(let words):
      let (output, status) = ChildProcess.run(
        words, maximumBytes: Self.maximumBytes,
        deadline: Deadline(inMilliseconds: Self.commandMilliseconds))
      guard status == 0 else {
        throw Fault(
          reason: "the command \(words.first ?? "") ended with status \(status)",
          remedy: "Run it by hand to see why; its own messages are on stderr.")
      }
      return Self.text(output)
    }
  }

  private var emptyFault: Fault {
    let place =
      switch self {
      case .literal: "the setting"
      case .environment(let name): "the environment variable \(name)"
      case .file(let path): "\(path)"
      case .command(let words): "the output of the command \(words.first ?? "")"
      }
    return Fault(reason: "\(place) is empty", remedy: "Put the secret there.")
  }

  private static func text(_ bytes: [UInt8]) -> String {
    var content = bytes[...]
    if content.last == 0x0A { content = content.dropLast() }
    if content.last == 0x0D { content = content.dropLast() }
    return String(decoding: content, as: UTF8.self)
  }

  /// Reads the secret without holding up other tasks, and has it kept out of all output from then.
  public func resolve(_ secrets: Redactor) async throws(Fault) -> String {
    let result: Result<String, Fault>
    if case .literal(let text) = self {
      result = .success(text)
    } else {
      result = await withCheckedContinuation { continuation in
        NamedThread.start("secret") {
          continuation.resume(returning: Result { () throws(Fault) in try read() })
        }
      }
    }
    let value = try result.get()
    guard !value.isEmpty else { throw emptyFault }
    secrets.add(value)
    return value
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
