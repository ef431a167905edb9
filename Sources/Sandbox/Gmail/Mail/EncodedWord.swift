/// Header text in other character sets, `=?UTF-8?B?w6Q=?=` (RFC 2047).
enum EncodedWord {
  /// Drops white space between two encoded words. Keeps words that cannot be decoded.
  static func decode(_ text: String) -> String {
    guard text.contains("=?") else { return text }
    var decoded = ""
    var rest = text[...]
    var isAfterWord = false
    while let start = rest.firstRange(of: "=?") {
      let before = rest[..<start]
      guard let word = read(rest[start...]) else {
        decoded += rest[..<rest.index(start, offsetBy: 2)]
        rest = rest[rest.index(start, offsetBy: 2)...]
        isAfterWord = false
        continue
      }
      if !(isAfterWord && before.allSatisfy(\.isWhitespace)) { decoded += before }
      decoded += word.text
      rest = word.rest
      isAfterWord = true
    }
    return decoded + rest
  }

  private static func read(_ text: Substring) -> (text: String, rest: Substring)? {
    let fields = text.dropFirst(2).split(
      separator: "?", maxSplits: 3, omittingEmptySubsequences: false)
    guard fields.count == 4, fields[3].hasPrefix("=") else { return nil }
    let charset = fields[0].prefix { $0 != "*" }
    let bytes: [UInt8]
    switch fields[1].lowercased() {
    case "b": bytes = TransferEncoding.base64(fields[2].utf8)
    case "q":
      let spaced = fields[2].utf8.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: " ") : $0 }
      bytes = TransferEncoding.quotedPrintable(spaced)
    default: return nil
    }
    guard let decoded = CharacterSetName.text(bytes, String(charset)) else { return nil }
    return (decoded, fields[3].dropFirst())
  }
}

extension Substring {
  /// The first position of `mark`.
  fileprivate func firstRange(of mark: String) -> Index? {
    var at = startIndex
    while at < endIndex {
      if self[at...].hasPrefix(mark) { return at }
      at = index(after: at)
    }
    return nil
  }
}
