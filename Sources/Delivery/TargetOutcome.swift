import Basics
import FileStore
import JSON

/// The result of a target that succeeded.
public struct TargetAnswer: Sendable {
  /// The vendor's body, untouched; nil once it has been streamed.
  public var body: JSON?
  public var files: [StoredFile]

  public init(_ body: JSON?, files: [StoredFile] = []) {
    self.body = body
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
        if let body = answer.body { writer.member("data", body) }
        StoredFile.writeMember(answer.files, to: &writer)
      case .failure(let error):
        writer.member("return_data", "Failed")
        writer.name("error")
        writer.object { error.writeMembers(to: &$0, indicator: indicator) }
      }
    }
  }
}
