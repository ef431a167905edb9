/// A token of a query.
enum GmailSearchToken: Equatable {
  case openAll, closeAll, openAny, closeAny, or, not
  /// `from:ann` has a name in lower case; a plain word has an empty name.
  case word(name: String, value: String)

  static func all(in text: String) -> [GmailSearchToken] {
    var tokens: [GmailSearchToken] = []
    var rest = text[...]
    while let first = rest.first {
      switch first {
      case "(": tokens.append(.openAll)
      case ")": tokens.append(.closeAll)
      case "{": tokens.append(.openAny)
      case "}": tokens.append(.closeAny)
      case "|": tokens.append(.or)
      case "-" where rest.dropFirst().first.map({ !$0.isWhitespace }) ?? false: tokens.append(.not)
      case _ where first.isWhitespace: break
      default:
        tokens += word(&rest)
        continue
      }
      rest.removeFirst()
    }
    return tokens
  }

  /// One word, or the words of `subject:(dinner movie)`, each with the name.
  private static func word(_ rest: inout Substring) -> [GmailSearchToken] {
    if rest.first == "\"" { return [.word(name: "", value: quoted(&rest))] }
    let plain = rest.prefix { !$0.isWhitespace && !"(){}\"".contains($0) }
    rest = rest.dropFirst(plain.count)
    guard let colon = plain.firstIndex(of: ":"), colon > plain.startIndex else {
      return [plain == "OR" ? .or : .word(name: "", value: String(plain))]
    }
    let name = plain[..<colon].lowercased()
    let value = plain[plain.index(after: colon)...]
    guard value.isEmpty, let next = rest.first else {
      return [.word(name: name, value: String(value))]
    }
    if next == "\"" { return [.word(name: name, value: quoted(&rest))] }
    guard next == "(" || next == "{" else { return [.word(name: name, value: "")] }
    let close: Character = next == "(" ? ")" : "}"
    let inside = rest.dropFirst().prefix { $0 != close }
    rest = rest.dropFirst(inside.count + 2)
    let words = inside.split { $0.isWhitespace || "(){}\"".contains($0) }
      .map { GmailSearchToken.word(name: name, value: String($0)) }
    return [next == "(" ? .openAll : .openAny] + words + [next == "(" ? .closeAll : .closeAny]
  }

  private static func quoted(_ rest: inout Substring) -> String {
    let inside = rest.dropFirst().prefix { $0 != "\"" }
    rest = rest.dropFirst(inside.count + 2)
    return String(inside)
  }
}
