import Basics

/// Parses the text of `filters`:
///
///     filters = term *( "AND" term )
///     term    = FIELD ":" value / FIELD "in" "(" value *( "," value ) ")"
///     value   = DQUOTE text DQUOTE / text up to the next AND, or to the comma or parenthesis of a
///               list
struct FilterParser {
  struct SyntaxError: Error {
    /// What is wrong, then what is allowed.
    var reason: String
    /// In characters from 1.
    var position: Int
    var didYouMean: String?
  }

  private let text: [Character]
  private var at = 0

  init(_ text: String) { self.text = Array(text) }

  mutating func parse() throws(SyntaxError) -> EndpointFilters {
    var terms: [EndpointFilters.Term] = []
    repeat {
      let term = try readTerm()
      if terms.contains(where: { $0.field == term.field }) {
        throw SyntaxError(reason: "duplicate field \(term.field.rawValue)", position: term.position)
      }
      terms.append(term)
    } while try readAnd()
    return EndpointFilters(terms: terms)
  }

  // MARK: Terms

  private mutating func readTerm() throws(SyntaxError) -> EndpointFilters.Term {
    skipSpace()
    let start = at
    let field = try readField()
    let afterField = at
    skipSpace()
    if next == ":" {
      at += 1
      let valueStart = at
      let value = try readValue(endingAt: [])
      return EndpointFilters.Term(
        field: field, value: try check(value, of: field, at: valueStart), position: start + 1)
    }
    guard at > afterField, word() == "in" else {
      throw error("missing colon after \(field.rawValue); a term is FIELD:VALUE", at: at)
    }
    at += 2
    guard field.valueType == .texts else {
      throw error("unexpected list; \(field.rawValue) takes one value after a colon", at: at - 2)
    }
    return EndpointFilters.Term(
      field: field, value: .texts(try readList()), position: start + 1)
  }

  private mutating func readField() throws(SyntaxError) -> FilterField {
    let start = at
    while let character = next, character.isLetter || character.isNumber || character == "." {
      at += 1
    }
    let name = String(text[start..<at])
    if let field = FilterField(rawValue: name) { return field }
    if name.isEmpty {
      throw error("missing field name", at: start)
    }
    if name == "NOT" || name == "OR" {
      throw error("unsupported operator \(name); join terms with AND", at: start)
    }
    throw SyntaxError(
      reason: "unknown field \"\(name)\"", position: start + 1,
      didYouMean: Suggestion.closest(to: name, among: FilterField.allCases.map(\.rawValue)))
  }

  private mutating func readList() throws(SyntaxError) -> [String] {
    skipSpace()
    guard next == "(" else { throw error("missing parenthesis; a list is (VALUE, VALUE)", at: at) }
    let opening = at
    at += 1
    var values: [String] = []
    while true {
      let start = at
      let value = try readValue(endingAt: [",", ")"])
      guard !value.isEmpty else { throw error("empty value in a list", at: start) }
      values.append(MACAddress.bare(value))
      switch next {
      case ",": at += 1
      case ")":
        at += 1
        return values
      default: throw error("unterminated list", at: opening)
      }
    }
  }

  /// - Returns: whether another term follows.
  private mutating func readAnd() throws(SyntaxError) -> Bool {
    skipSpace()
    guard at < text.count else { return false }
    guard word() == "AND" else {
      throw error("unexpected \"\(word())\"; expected AND or the end", at: at)
    }
    at += 3
    return true
  }

  // MARK: Values

  /// Leaves the position at the character that ends the value.
  private mutating func readValue(endingAt ends: Set<Character>) throws(SyntaxError) -> String {
    skipSpace()
    if next == "\"" {
      let value = try readQuoted()
      skipSpace()
      return value
    }
    let start = at
    var end = at
    while let character = next, !ends.contains(character) {
      if isWordStart {
        switch word() {
        case "AND": return String(text[start..<end])
        case let word where word == "OR" || word == "NOT" || word == "&&" || word == "||":
          throw error(
            "unsupported operator \(word); join terms with AND, or quote a value with \(word)",
            at: at)
        default: break
        }
      }
      at += 1
      if !character.isWhitespace { end = at }
    }
    return String(text[start..<end])
  }

  private mutating func readQuoted() throws(SyntaxError) -> String {
    let opening = at
    at += 1
    var value = ""
    while let character = next {
      at += 1
      if character == "\"" { return value }
      if character == "\\", let escaped = next, escaped == "\"" || escaped == "\\" {
        value.append(escaped)
        at += 1
      } else {
        value.append(character)
      }
    }
    throw error("unterminated quote", at: opening)
  }

  /// The vendor's limit.
  private static let minimumNameCharacters = 3

  private func check(
    _ value: String, of field: FilterField, at start: Int
  ) throws(SyntaxError) -> EndpointFilters.Value {
    var position = start
    while position < text.count, text[position].isWhitespace { position += 1 }
    guard !value.isEmpty else { throw error("missing value for \(field.rawValue)", at: start) }
    switch field.valueType {
    case .flag:
      switch value.lowercased() {
      case "true": return .flag(true)
      case "false": return .flag(false)
      default:
        throw error(
          "invalid value \"\(value)\"; \(field.rawValue) must be True or False", at: position)
      }
    case .texts: return .texts([MACAddress.bare(value)])
    case .text:
      guard field == .name else { return .text(value) }
      // The vendor matches prefixes, so a trailing asterisk is redundant.
      let name = value.last == "*" ? String(value.dropLast()) : value
      guard name.drop(while: { $0 == "*" }).count >= Self.minimumNameCharacters else {
        throw error(
          "name \"\(value)\" is too short; it must have at least "
            + "\(Self.minimumNameCharacters) characters",
          at: position)
      }
      return .text(name)
    }
  }

  // MARK: Characters

  private var next: Character? { at < text.count ? text[at] : nil }

  private var isWordStart: Bool { at == 0 || text[at - 1].isWhitespace }

  /// The text up to the next space or parenthesis.
  private func word() -> String {
    String(text[at...].prefix { !$0.isWhitespace && $0 != "(" })
  }

  private mutating func skipSpace() {
    while let character = next, character.isWhitespace { at += 1 }
  }

  private func error(_ reason: String, at offset: Int) -> SyntaxError {
    SyntaxError(reason: reason, position: offset + 1)
  }
}
