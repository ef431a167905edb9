/// Words of POSIX shells.
enum ShellWord {
  /// The text of a word with quotes, also if the last one is still open.
  static func unquoted(_ word: String) -> String {
    var text = ""
    var quote: Character?
    var rest = word[...]
    while let character = rest.popFirst() {
      switch (character, quote) {
      case ("\\", nil): if let next = rest.popFirst() { text.append(next) }
      case ("\\", "\""):
        if let next = rest.first, "\"\\$`".contains(next) {
          rest.removeFirst()
          text.append(next)
        } else {
          text.append(character)
        }
      case ("'", nil), ("\"", nil): quote = character
      case (_, _) where character == quote: quote = nil
      default: text.append(character)
      }
    }
    return text
  }

  /// Quotes text as one word.
  static func quoted(_ text: String) -> String {
    let isPlain = text.unicodeScalars.allSatisfy {
      $0.properties.isAlphabetic || ("0"..."9").contains($0)
        || "-._/:@%+=,…".unicodeScalars.contains($0)
    }
    if isPlain && !text.isEmpty { return text }
    return "'"
      + text.split(separator: "'", omittingEmptySubsequences: false)
      .joined(separator: #"'\''"#) + "'"
  }
}
