/// The value of a header field as bytes on one line.
enum HeaderText {
  /// Stands for a fold. Encoded words are seen with folds inside them, where a space would count.
  static let fold = ASCII.lineFeed

  /// The value without white space around it, each fold with the white space around it replaced by
  /// one `fold` (RFC 5322 section 2.2.3).
  static func unfold(_ raw: ArraySlice<UInt8>) -> [UInt8] {
    let raw = ASCII.trimmed(raw)
    guard raw.contains(where: { $0 == ASCII.lineFeed || $0 == ASCII.carriageReturn }) else {
      return Array(raw)
    }
    var text: [UInt8] = []
    text.reserveCapacity(raw.count)
    // Where the white space began that the text ends with now, and whether there is a break in it.
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
}
