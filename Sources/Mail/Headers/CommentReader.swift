/// Comments in structured fields (RFC 5322 section 3.2.2).
enum CommentReader {
  /// The position after the comment at `start`, including nested comments; the end of the text if
  /// the comment is not closed.
  static func end(_ text: [UInt8], _ start: Int) -> Int {
    var depth = 0
    var at = start
    while at < text.count {
      switch text[at] {
      case ASCII.backslash: at += 1
      case ASCII.open: depth += 1
      case ASCII.close:
        depth -= 1
        if depth == 0 { return at + 1 }
      default: break
      }
      at += 1
    }
    return text.count
  }

  /// The content of a comment, with its escapes decoded.
  static func content(_ text: [UInt8], _ comment: Range<Int>) -> [UInt8] {
    var content: [UInt8] = []
    var at = comment.lowerBound + 1
    let isClosed = text[comment.upperBound - 1] == ASCII.close && comment.count > 1
    let end = isClosed ? comment.upperBound - 1 : comment.upperBound
    while at < end {
      if text[at] == ASCII.backslash, at + 1 < end { at += 1 }
      content.append(text[at] == HeaderText.fold ? ASCII.space : text[at])
      at += 1
    }
    return content
  }
}
