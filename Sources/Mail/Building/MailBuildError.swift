/// Why a mail cannot be built. Safe to log: never quotes the rejected value.
package struct MailBuildError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The header field or the part of the mail: `To`, `Subject`, `attachment 2`.
  package let field: String
  /// A predicate; the subject is the field.
  package let reason: String

  init(_ field: String, _ reason: String) {
    self.field = field
    self.reason = reason
  }

  /// A value that would end its line and start another field.
  static func lineBreak(in field: String) -> MailBuildError {
    MailBuildError(field, "contains a line break or a NUL character")
  }

  package var description: String { "\(field) \(reason)" }
}
