/// The value of a header field as bytes on one line.
enum HeaderText {
  /// Replaces a fold. Encoded words may contain folds, and a space there would count as text.
  static let fold = ASCII.lineFeed

  /// The value without surrounding white space. Each fold, with the white space around it, becomes
  /// one `fold` (RFC 5322 section 2.2.3).
  static func unfold(_ raw: ArraySlice<UInt8>) -> [UInt8] {
    let raw = ASCII.trimmed(raw)
    guard raw.contains(where: { $0 == ASCII.lineFeed || $0 == ASCII.carriageReturn }) else {
      return Array(raw)
    }
    var text: [UInt8] = []
    text.reserveCapacity(raw.count)
    // The start of the white space at the current end of the text, and whether it contains a line
    // break.
    var blanks = 0
    var isBroken = false
    for byte in raw {
      if ASCII.isWhiteSpace(byte) {
        if byte == ASCII.lineFeed || byte == ASCII.carriageReturn { isBroken = true }
      } else {
        if isBroken {
          text.removeSubrange(blanks...)
          text.append(fold)
          isBroken = false
        }
        blanks = text.count + 1
      }
      text.append(byte)
    }
    return text
  }

  /// Text without encoded words, with a space for each fold.
  static func onOneLine(_ unfolded: [UInt8]) -> String {
    String(decoding: unfolded.map { $0 == fold ? ASCII.space : $0 }, as: UTF8.self)
  }
}
