import Basics
import JSON

/// What an answer is to whoever counts answers.
package enum AnswerKind: Sendable {
  case success
  /// A result in which some targets failed.
  case partialSuccess
  case error

  /// Of a result that a command wrote.
  init(ofResult result: JSONFragment) {
    self = result.bytes.starts(with: Self.partialStart) ? .partialSuccess : .success
  }

  private static let partialStart = Array(#"{"return_data":"Partially"#.utf8)
}
