import JSON

/// Which mail of a mailbox becomes events: without drafts, and without mail that the mailbox sent,
/// unless the search condition asks for them.
///
/// Each saved draft is a new message, and own mail was not received. Mail that the mailbox sent to
/// itself is in the inbox too, and is received mail.
struct MailSelection: Sendable {
  let includesDrafts: Bool
  let includesSentMail: Bool

  /// - Parameter user: the mailbox; `from:` its address asks for sent mail.
  init(asking condition: String?, of user: String) {
    let terms = SearchTerms(condition ?? "").terms
    includesDrafts = terms.contains { $0.isPlace && Self.drafts.contains($0.value) }
    includesSentMail = terms.contains {
      $0.isPlace && Self.sent.contains($0.value)
        || $0.name == "from" && ["me", user.lowercased()].contains($0.value)
    }
  }

  private static let drafts: Set = ["draft", "drafts"]
  private static let sent: Set = ["sent", "sent-mail", "sentmail", "sent mail"]

  /// Keeps Gmail from listing other mail. Behind a space, empty if all mail is selected.
  var query: String {
    (includesDrafts ? "" : " -in:drafts") + (includesSentMail ? "" : " (in:inbox OR -in:sent)")
  }

  /// Whether a message is selected by its labels. Gmail documents neither the operators of the
  /// query in full nor when its index follows a change.
  func contains(_ message: JSON) -> Bool {
    guard let labels = message["labelIds"] else { return true }
    func has(_ label: String) -> Bool { labels.elements.contains { $0.equals(label) } }
    if !includesDrafts, has("DRAFT") { return false }
    return includesSentMail || !has("SENT") || has("INBOX")
  }
}

/// The terms `name:value` of a query that messages must match, or one of them: not those that are
/// negated. Words in quotes are no operators.
private struct SearchTerms {
  struct Term {
    let name: String
    let value: String

    /// Whether the term names a label. Gmail accepts `in:`, `is:` and `label:` for system labels.
    var isPlace: Bool { ["in", "is", "label"].contains(name) }
  }

  private struct Group {
    var isNegated = false
    /// Of `in:(sent inbox)`.
    var name: String?
  }

  private(set) var terms: [Term] = []
  private var rest: Substring
  private var groups = [Group()]
  private var negatesNext = false
  /// A name whose value follows: `in: sent`, `in:"sent"`, `in:(sent inbox)`.
  private var openName: String?

  init(_ condition: String) {
    rest = condition[...]
    while let first = rest.first {
      switch first {
      case "(", "{": openGroup()
      case ")", "}":
        rest.removeFirst()
        if groups.count > 1 { groups.removeLast() }
        endTerm()
      case "-":
        rest.removeFirst()
        if rest.first?.isWhitespace == false { negatesNext.toggle() }
      case "\"": readPhrase()
      case _ where first.isWhitespace || first == "|" || first == "+": rest.removeFirst()
      default: readWord()
      }
    }
  }

  private var group: Group { groups.last ?? Group() }

  private mutating func openGroup() {
    rest.removeFirst()
    groups.append(
      Group(isNegated: group.isNegated != negatesNext, name: openName ?? group.name))
    endTerm()
  }

  private mutating func readPhrase() {
    let phrase = rest.dropFirst().prefix { $0 != "\"" }
    rest = rest.dropFirst(phrase.count + 2)
    if let name = openName ?? group.name { add(name, phrase) }
    endTerm()
  }

  private mutating func readWord() {
    let word = rest.prefix { !$0.isWhitespace && !"(){}\"|".contains($0) }
    rest = rest.dropFirst(word.count)
    guard let colon = word.firstIndex(of: ":") else {
      // Not a term: `NOT` negates the next one, which Gmail does not document.
      if word == "NOT" { negatesNext.toggle() }
      if ["NOT", "OR", "AND"].contains(word) { return }
      if let name = openName ?? group.name { add(name, word) }
      endTerm()
      return
    }
    let name = word[..<colon].lowercased()
    let value = word[word.index(after: colon)...]
    guard !value.isEmpty else {
      openName = name
      return
    }
    // In `subject:(in:sent)` it is a word of the subject.
    if group.name == nil { add(name, value) }
    endTerm()
  }

  private mutating func add(_ name: String, _ value: Substring) {
    guard group.isNegated == negatesNext else { return }
    terms.append(Term(name: name, value: value.lowercased()))
  }

  private mutating func endTerm() {
    negatesNext = false
    openName = nil
  }
}
