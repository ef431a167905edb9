/// Why a text is not a JSONPath query, and the position of the error.
package struct JSONPathError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A phrase that says what was expected, such as "expected a selector or ]". Safe to log: it
  /// never quotes the query.
  package var reason: String
  /// Offset in UTF-8 bytes from the start of the query, from 0.
  package var offset: Int

  package init(reason: String, offset: Int) {
    self.reason = reason
    self.offset = offset
  }

  package var description: String { "\(reason) at byte \(offset)" }

  static func expected(_ what: String, at offset: Int) -> JSONPathError {
    JSONPathError(reason: "expected \(what)", offset: offset)
  }
}
