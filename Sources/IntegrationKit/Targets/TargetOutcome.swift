import Basics
import FileStore
import JSON

/// What became of one target of a command over several.
public struct TargetOutcome: Sendable {
  /// As the caller named it.
  public let target: String
  /// What it brought, or why nothing.
  public let result: Result<TargetAnswer, CommandError>

  public init(_ target: String, _ result: Result<TargetAnswer, CommandError>) {
    self.target = target
    self.result = result
  }

  /// Of each target that shared a request: the first one has what it brought.
  static func each(of target: Target, _ result: Result<TargetAnswer, CommandError>) -> [Self] {
    target.names.enumerated().map { position, name in
      TargetOutcome(name, position == 0 ? result : result.map { _ in TargetAnswer(nil) })
    }
  }

  var withoutBody: TargetOutcome {
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
  /// - Parameter withData: whether what a success brought is written; in a result it stands in
  ///   `raw_data` and `files`.
  func write(to writer: inout JSONWriter, indicator: String, withData: Bool) {
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
