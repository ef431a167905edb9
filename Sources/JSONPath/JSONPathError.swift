/// Why a text is not a JSONPath query, and where.
package struct JSONPathError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A sentence fragment that says what was expected, such as "expected a selector or ]". It
  /// quotes nothing of the query and so is safe to log.
  package var reason: String
  /// Bytes of UTF-8 from the start of the query, from 0.
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
