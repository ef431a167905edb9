extension HTMLText {
  /// Whether a text is probably HTML: it begins like a document, or has an element that is closed, or a
  /// tag that needs no end, such as `<br>`. Tags must be common in mail.
  ///
  /// A tag that is set off like a word is only mentioned: "the <b> tag", "`<br>`". So is a start tag
  /// without its end: "x<b>y".
  package static func isLikely(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    let start = String(decoding: bytes.drop(while: ASCII.isWhiteSpace).prefix(9), as: UTF8.self)
      .lowercased()
    if start == "<!doctype" || start.hasPrefix("<html") { return true }
    var scanner = HTMLTagScanner(bytes: bytes)
    var open: Set<String> = []
    while let tag = scanner.next() {
      guard !tag.isMentioned else { continue }
      if tag.isEnd ? open.contains(tag.name) : HTMLTagScanner.unclosed.contains(tag.name) {
        return true
      }
      open.insert(tag.name)
    }
    return false
  }
}

/// Finds tags that are common in mail, in linear time.
private struct HTMLTagScanner {
  struct Tag {
    let name: String
    let isEnd: Bool
    /// Whether it stands like a word in a sentence, or between quotation marks.
    let isMentioned: Bool
  }

  /// Elements that have no end tag, or mostly none.
  static let unclosed: Set<String> = ["br", "hr", "img", "li", "p", "td", "th", "tr"]

  private static let known: Set<String> = [
    "a", "b", "blockquote", "body", "br", "center", "code", "div", "em", "font", "h1", "h2", "h3",
    "h4", "h5", "h6", "head", "hr", "html", "i", "img", "li", "ol", "p", "pre", "section", "small",
    "span", "strong", "style", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul",
  ]

  private let bytes: [UInt8]
  private var position = 0
  /// The next `>`, at or behind `position` once it was searched.
  private var close = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func next() -> Tag? {
    while let open = bytes[position...].firstIndex(of: ASCII.less) {
      var start = open + 1
      let isEnd = start < bytes.count && bytes[start] == ASCII.slash
      if isEnd { start += 1 }
      let word = bytes[start...].prefix(11).prefix { ASCII.isLetter($0) || ASCII.isDigit($0) }
      position = start + word.count
      let name = String(decoding: word, as: UTF8.self).lowercased()
      guard position < bytes.count, Self.known.contains(name),
        bytes[position] == ASCII.greater || bytes[position] == ASCII.slash
          || ASCII.isWhiteSpace(bytes[position])
      else { continue }
      return Tag(name: name, isEnd: isEnd, isMentioned: isSetOff(open))
    }
    return nil
  }

  /// - Parameter open: the `<` of the tag whose name ends at `position`.
  private mutating func isSetOff(_ open: Int) -> Bool {
    if close < position { close = bytes[position...].firstIndex(of: ASCII.greater) ?? bytes.count }
    guard open > 0, close + 1 < bytes.count else { return false }
    let after = bytes[close + 1]
    return switch bytes[open - 1] {
    case ASCII.space: after == ASCII.space || ".,;:!?)".utf8.contains(after)
    case let mark where "\"'`".utf8.contains(mark): after == mark
    default: false
    }
  }
}
