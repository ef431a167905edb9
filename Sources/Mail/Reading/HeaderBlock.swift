/// Reads the header of an entity (RFC 5322 section 2.1).
struct HeaderBlock {
  private(set) var fields: [MailHeader] = []
  /// The start of the body.
  private(set) var end: Int
  /// Whether a field was longer than a limit.
  var isTruncated: Bool { fields.contains(where: \.isTruncated) }

  /// The header ends with an empty line, which belongs to it. It also ends before a line that is
  /// neither a field nor a continuation, and before a line that matches `isDelimiter`.
  ///
  /// - Parameter maximum: the number of fields to keep.
  init(
    _ lines: SourceLines, of source: [UInt8], at start: Int, maximum: Int,
    isDelimiter: (Range<Int>) -> Bool
  ) {
    let bytes = lines.bytes
    var at = start
    var open: (name: String, value: Range<Int>)?
    var isFirst = true

    while at < bytes.count {
      let line = lines.line(at: at)
      let content = line.content
      if content.isEmpty {
        at = line.next
        break
      }
      if isDelimiter(content) { break }
      let first = bytes[content.lowerBound]
      if first == ASCII.space || first == ASCII.tab, let field = open {
        open = (field.name, field.value.lowerBound..<content.upperBound)
      } else if let colon = Self.colon(bytes, content) {
        Self.close(open, source, maximum, &fields)
        open = (Self.name(bytes, content.lowerBound..<colon), (colon + 1)..<content.upperBound)
      } else if !(isFirst && Self.isEnvelope(bytes, content)) {
        break
      }
      isFirst = false
      at = line.next
    }
    Self.close(open, source, maximum, &fields)
    end = at
  }

  private static func close(
    _ field: (name: String, value: Range<Int>)?, _ source: [UInt8], _ maximum: Int,
    _ fields: inout [MailHeader]
  ) {
    guard let field, fields.count < maximum else { return }
    fields.append(MailHeader(name: field.name, raw: source[field.value]))
  }

  /// The colon after a field's name. Some senders put white space before the name and the colon.
  private static func colon(_ bytes: UnsafeBufferPointer<UInt8>, _ line: Range<Int>) -> Int? {
    var at = line.lowerBound
    while at < line.upperBound, bytes[at] == ASCII.space || bytes[at] == ASCII.tab { at += 1 }
    let start = at
    while at < line.upperBound, bytes[at] > ASCII.space, bytes[at] < 0x7F, bytes[at] != ASCII.colon
    {
      at += 1
    }
    guard at > start else { return nil }
    while at < line.upperBound, bytes[at] == ASCII.space || bytes[at] == ASCII.tab { at += 1 }
    return at < line.upperBound && bytes[at] == ASCII.colon ? at : nil
  }

  private static func name(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> String {
    String(
      decoding: ASCII.trimmed(bytes[range]).prefix(MailHeader.maximumNameBytes), as: UTF8.self)
  }

  /// The `From …` line of a mailbox file (RFC 4155), possibly quoted.
  private static func isEnvelope(
    _ bytes: UnsafeBufferPointer<UInt8>, _ line: Range<Int>
  ) -> Bool {
    bytes[line].starts(with: "From ".utf8) || bytes[line].starts(with: ">From ".utf8)
  }
}
