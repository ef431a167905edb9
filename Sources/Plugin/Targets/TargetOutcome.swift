import Basics

/// What became of one target of a command over several.
public struct TargetOutcome: Sendable {
  /// As the caller named it.
  public let target: String
  /// The vendor's body, or why there is none.
  public let result: Result<JSON, CommandError>

  public init(_ target: String, _ result: Result<JSON, CommandError>) {
    self.target = target
    self.result = result
  }

  public var isSuccess: Bool { error == nil }

  public var body: JSON? { try? result.get() }

  public var error: CommandError? {
    guard case .failure(let error) = result else { return nil }
    return error
  }

  /// Writes `{"target","return_data","data"|"error"}`.
  ///
  /// - Parameter withData: whether the body of a success is written; in a result it stands in
  ///   `raw_data`.
  func write(to writer: inout JSONWriter, indicator: String, withData: Bool) {
    writer.object { writer in
      writer.member("target", target)
      switch result {
      case .success(let body):
        writer.member("return_data", "Successful")
        if withData { writer.member("data", body) }
      case .failure(let error):
        writer.member("return_data", "Failed")
        writer.name("error")
        writer.object { error.writeMembers(to: &$0, indicator: indicator) }
      }
    }
  }
}
