/// The words of a fault text with their columns, read in order.
struct FaultWords {
  struct Word {
    var text: String
    /// From 1.
    var column: Int
  }

  /// Ten minutes, far beyond the timeout of any client.
  private static let maximumDelayMilliseconds = 600_000
  private static let maximumCount = 1_000_000_000

  /// The original text.
  private let source: String
  private let words: [Word]
  private var at = 0

  init(_ text: String) {
    source = text
    var words: [Word] = []
    var isInWord = false
    for (position, character) in text.enumerated() {
      if character.isWhitespace {
        isInWord = false
      } else if isInWord {
        words[words.count - 1].text.append(character)
      } else {
        words.append(Word(text: String(character), column: position + 1))
        isInWord = true
      }
    }
    self.words = words
  }

  /// All words, separated by single spaces.
  var text: String { words.map(\.text).joined(separator: " ") }

  var peek: Word? { at < words.count ? words[at] : nil }

  /// The column of the next word, or the column after the last word.
  var column: Int { peek?.column ?? source.count + 1 }

  mutating func next() -> Word? {
    guard let word = peek else { return nil }
    at += 1
    return word
  }

  mutating func expect(_ text: String) throws(SandboxError) {
    let column = self.column
    guard next()?.text == text else { throw .invalidFault("expected '\(text)'", column: column) }
  }

  mutating func readNumber(
    _ meaning: String, from least: Int
  ) throws(SandboxError) -> Int {
    let column = self.column
    guard let word = next(), let number = Int(word.text),
      (least...Self.maximumCount).contains(number)
    else { throw .invalidFault("expected \(meaning)", column: column) }
    return number
  }

  mutating func readDuration() throws(SandboxError) -> Int {
    let column = self.column
    let text = next()?.text ?? ""
    let isMilliseconds = text.hasSuffix("ms")
    let factor = isMilliseconds ? 1 : 1_000
    let digits = text.dropLast(isMilliseconds ? 2 : 1)
    guard text.hasSuffix("s"), let number = Int(digits),
      (0...Self.maximumDelayMilliseconds / factor).contains(number)
    else {
      throw .invalidFault(
        "expected a time up to \(Self.maximumDelayMilliseconds / 1_000)s, such as 200ms or 2s",
        column: column)
    }
    return number * factor
  }
}
