/// A query in the syntax of Gmail's search box: all words must match, `OR` and `{…}` are
/// alternatives, `-` negates, `(…)` groups, quotes form phrases.
struct GmailSearch {
  private indirect enum Term {
    case all([Term])
    case any([Term])
    case not(Term)
    case word(GmailSearchWord)
  }

  private let term: Term
  /// If true, the search includes spam and trash.
  let namesSpamOrTrash: Bool

  private let context: GmailSearchWord.Context

  /// - Parameter now: in seconds since 1970.
  init(_ text: String, _ labels: [GmailLabel], now: Int) {
    var reader = Reader(tokens: GmailSearchToken.all(in: text))
    term = reader.readAll(until: nil)
    namesSpamOrTrash = reader.words.contains { word in
      ["in", "label", "is"].contains(word.name)
        && ["spam", "trash", "anywhere"].contains(word.value.lowercased())
    }
    context = GmailSearchWord.Context(labels: labels, now: now)
  }

  func matches(_ message: GmailMessage) -> Bool { matches(message, term) }

  private func matches(_ message: GmailMessage, _ term: Term) -> Bool {
    switch term {
    case .all(let terms): terms.allSatisfy { matches(message, $0) }
    case .any(let terms): terms.contains { matches(message, $0) }
    case .not(let term): !matches(message, term)
    case .word(let word): word.matches(message, context)
    }
  }

  private struct Reader {
    let tokens: [GmailSearchToken]
    var at = 0
    var words: [GmailSearchWord] = []
    /// Deeper groups are flattened.
    var depth = 0
    private static let maximumDepth = 16

    init(tokens: [GmailSearchToken]) { self.tokens = tokens }

    mutating func readAll(until end: GmailSearchToken?) -> Term {
      depth += 1
      defer { depth -= 1 }
      let isAny = end == .closeAny
      var terms: [Term] = []
      var joinsNext = false
      while at < tokens.count {
        let token = tokens[at]
        at += 1
        if token == end { break }
        if token == .or {
          joinsNext = !terms.isEmpty
          continue
        }
        guard let term = read(token) else { continue }
        if joinsNext, let last = terms.popLast() {
          terms.append(.any([last, term]))
          joinsNext = false
        } else {
          terms.append(term)
        }
      }
      return isAny ? .any(terms) : .all(terms)
    }

    private mutating func read(_ token: GmailSearchToken) -> Term? {
      switch token {
      case .not:
        var isNegated = true
        while at < tokens.count, tokens[at] == .not {
          isNegated.toggle()
          at += 1
        }
        guard at < tokens.count, tokens[at] != .or else { return nil }
        at += 1
        return read(tokens[at - 1]).map { isNegated ? .not($0) : $0 }
      case .openAll where depth < Self.maximumDepth: return readAll(until: .closeAll)
      case .openAny where depth < Self.maximumDepth: return readAll(until: .closeAny)
      case .word(let name, let value):
        let word = GmailSearchWord(name: name, value: value)
        words.append(word)
        return .word(word)
      case .openAll, .openAny, .closeAll, .closeAny, .or: return nil
      }
    }
  }
}
