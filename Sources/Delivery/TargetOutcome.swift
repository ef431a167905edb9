import Basics
import FileStore
import JSON

/// The vendor's body for one target, untouched.
public enum TargetBody: Sendable {
  case parsed(JSON)
  /// Takes less than half the memory: the index of a body is often larger than its text.
  case text(JSONFragment)

  /// The body; parsed again if only its text is kept.
  public var json: JSON {
    switch self {
    case .parsed(let json): json
    case .text(let text): text.json
    }
  }

  package var withoutIndex: TargetBody {
    guard case .parsed(let json) = self else { return self }
    return .text(JSONFragment(json))
  }

  package func write(to writer: inout JSONWriter) {
    switch self {
    case .parsed(let json): writer.value(json)
    case .text(let text): writer.value(text)
    }
  }
}

/// The result of a target that succeeded.
public struct TargetAnswer: Sendable {
  /// Nil once it has been streamed.
  public var body: TargetBody?
  public var files: [StoredFile]

  public init(_ body: JSON?, files: [StoredFile] = []) {
    self.body = body.map(TargetBody.parsed)
    self.files = files
  }
}

/// The outcome of one target of a command over several.
public struct TargetOutcome: Sendable {
  /// As the caller named it.
  public let target: String
  public let result: Result<TargetAnswer, CommandError>

  public init(_ target: String, _ result: Result<TargetAnswer, CommandError>) {
    self.target = target
    self.result = result
  }

  package var withoutBody: TargetOutcome {
    TargetOutcome(target, result.map { TargetAnswer(nil, files: $0.files) })
  }

  public var isSuccess: Bool { error == nil }

  public var answer: TargetAnswer? { try? result.get() }

  public var error: CommandError? {
    guard case .failure(let error) = result else { return nil }
    return error
  }

  /// Writes `{"target","return_data","data"|"error"}`, and `files` where there are any.
  ///
  /// - Parameter withData: whether the data of a success is written; a result has it in `raw_data` and
  ///   `files`.
  package func write(to writer: inout JSONWriter, indicator: String, withData: Bool) {
    writer.object { writer in
      writer.member("target", target)
      switch result {
      case .success(let answer):
        writer.member("return_data", "Successful")
        guard withData else { return }
        if let body = answer.body {
          writer.name("data")
          body.write(to: &writer)
        }
        StoredFile.writeMember(answer.files, to: &writer)
      case .failure(let error):
        writer.member("return_data", "Failed")
        writer.name("error")
        writer.object { error.writeMembers(to: &$0, indicator: indicator) }
      }
    }
  }
}
