import Basics

/// Reads the text of `filters`:
///
///     filters = term *( "AND" term )
///     term    = FIELD ":" value / FIELD "in" "(" value *( "," value ) ")"
///     value   = DQUOTE text DQUOTE / text up to the next AND, or to the comma or parenthesis of a
///               list
struct FilterParser {
  struct Fault: Error {
    /// What stands there, and what would be right.
    var reason: String
    /// In characters from 1.
    var position: Int
    var didYouMean: String?
  }

  private let text: [Character]
  private var at = 0

  init(_ text: String) { self.text = Array(text) }

  mutating func parse() throws(Fault) -> EndpointFilters {
    var terms: [EndpointFilters.Term] = []
    repeat {
      let term = try readTerm()
      if terms.contains(where: { $0.field == term.field }) {
        throw Fault(reason: "\(term.field.rawValue) a second time", position: term.position)
      }
      terms.append(term)
    } while try readAnd()
    return EndpointFilters(terms: terms)
  }

  // MARK: Terms

  private mutating func readTerm() throws(Fault) -> EndpointFilters.Term {
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
      throw fault("no colon after \(field.rawValue); a term is FIELD:VALUE", at: at)
    }
    at += 2
    guard field.kind == .texts else {
      throw fault("a list for \(field.rawValue), which takes one value after a colon", at: at - 2)
    }
    return EndpointFilters.Term(
      field: field, value: .texts(try readList()), position: start + 1)
  }

  private mutating func readField() throws(Fault) -> FilterField {
    let start = at
    while let character = next, character.isLetter || character.isNumber || character == "." {
      at += 1
    }
    let name = String(text[start..<at])
    if let field = FilterField(rawValue: name) { return field }
    if name.isEmpty {
      throw fault(
        start == text.count ? "an end where a field is expected" : "no field name", at: start)
    }
    if name == "NOT" || name == "OR" {
      throw fault("\(name), but terms can only be joined by AND", at: start)
    }
    throw Fault(
      reason: "an unknown field \(name)", position: start + 1,
      didYouMean: Suggestion.closest(to: name, among: FilterField.allCases.map(\.rawValue)))
  }

  private mutating func readList() throws(Fault) -> [String] {
    skipSpace()
    guard next == "(" else { throw fault("no parenthesis; a list is (VALUE, VALUE)", at: at) }
    let opening = at
    at += 1
    var values: [String] = []
    while true {
      let start = at
      let value = try readValue(endingAt: [",", ")"])
      guard !value.isEmpty else { throw fault("an empty value in a list", at: start) }
      values.append(MACAddress.bare(value))
      switch next {
      case ",": at += 1
      case ")":
        at += 1
        return values
      default: throw fault("a list that is not closed", at: opening)
      }
    }
  }

  /// - Returns: whether another term follows.
  private mutating func readAnd() throws(Fault) -> Bool {
    skipSpace()
    guard at < text.count else { return false }
    guard word() == "AND" else {
      throw fault("\(word()) where AND or the end is expected", at: at)
    }
    at += 3
    return true
  }

  // MARK: Values

  /// Leaves the position at what ends the value.
  private mutating func readValue(endingAt ends: Set<Character>) throws(Fault) -> String {
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
          throw fault(
            "\(word), but terms can only be joined by AND; a value with \(word) stands in quotes",
            at: at)
        default: break
        }
      }
      at += 1
      if !character.isWhitespace { end = at }
    }
    return String(text[start..<end])
  }

  private mutating func readQuoted() throws(Fault) -> String {
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
    throw fault("a quote that is not closed", at: opening)
  }

  /// Characters of a name at least, as the vendor wants them.
  private static let minimumNameCharacters = 3

  private func check(
    _ value: String, of field: FilterField, at start: Int
  ) throws(Fault) -> EndpointFilters.Value {
    var position = start
    while position < text.count, text[position].isWhitespace { position += 1 }
    guard !value.isEmpty else { throw fault("no value for \(field.rawValue)", at: start) }
    switch field.kind {
    case .flag:
      switch value.lowercased() {
      case "true": return .flag(true)
      case "false": return .flag(false)
      default:
        throw fault("\(value), but \(field.rawValue) is True or False", at: position)
      }
    case .texts: return .texts([MACAddress.bare(value)])
    case .text:
      guard field == .name else { return .text(value) }
      // The vendor looks for names that start so; an asterisk at the end says just that.
      let name = value.last == "*" ? String(value.dropLast()) : value
      guard name.drop(while: { $0 == "*" }).count >= Self.minimumNameCharacters else {
        throw fault(
          "\(value), but a name has \(Self.minimumNameCharacters) characters or more",
          at: position)
      }
      return .text(name)
    }
  }

  // MARK: Characters

  private var next: Character? { at < text.count ? text[at] : nil }

  private var isWordStart: Bool { at == 0 || text[at - 1].isWhitespace }

  /// What stands here up to the next space or parenthesis.
  private func word() -> String {
    String(text[at...].prefix { !$0.isWhitespace && $0 != "(" })
  }

  private mutating func skipSpace() {
    while let character = next, character.isWhitespace { at += 1 }
  }

  private func fault(_ reason: String, at offset: Int) -> Fault {
    Fault(reason: reason, position: offset + 1)
  }
}
