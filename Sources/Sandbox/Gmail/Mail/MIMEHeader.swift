/// One header field (RFC 5322 section 2.2).
struct MIMEHeader {
  let name: String
  /// Unfolded, otherwise as sent. Bytes that are not UTF-8 become U+FFFD.
  let value: String

  /// The header fields, and the body after the blank line.
  ///
  /// A line that is not a field also ends the headers, but belongs to the body.
  static func split(_ bytes: ArraySlice<UInt8>) -> ([MIMEHeader], body: ArraySlice<UInt8>) {
    var fields: [(name: String, value: [UInt8])] = []
    var at = bytes.startIndex
    while at < bytes.endIndex {
      let end = bytes[at...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.endIndex
      let next = min(end + 1, bytes.endIndex)
      var line = bytes[at..<end]
      if line.last == UInt8(ascii: "\r") { line.removeLast() }
      if line.isEmpty { return (headers(fields), bytes[next...]) }
      if line.first == UInt8(ascii: " ") || line.first == UInt8(ascii: "\t"), !fields.isEmpty {
        fields[fields.count - 1].value += line
      } else if let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
        line[..<colon].allSatisfy({ (0x21...0x7E).contains($0) })
      {
        let name = String(decoding: line[..<colon], as: UTF8.self)
        fields.append((name, Array(line[(colon + 1)...])))
      } else if !(fields.isEmpty && line.starts(with: "From ".utf8)) {
        return (headers(fields), bytes[at...])
      }
      at = next
    }
    return (headers(fields), bytes[bytes.endIndex...])
  }

  /// The first field with that name, ignoring case.
  static func first(_ name: String, in headers: [MIMEHeader]) -> String? {
    let wanted = name.lowercased()
    return headers.first { $0.name.lowercased() == wanted }?.value
  }

  private static func headers(_ fields: [(name: String, value: [UInt8])]) -> [MIMEHeader] {
    fields.map { field in
      let text = String(decoding: field.value, as: UTF8.self)
      return MIMEHeader(name: field.name, value: text.trimmed)
    }
  }
}

extension StringProtocol {
  /// The text without surrounding white space.
  var trimmed: String {
    let start = drop { $0.isWhitespace }
    let end = start.lastIndex { !$0.isWhitespace }
    return end.map { String(start[...$0]) } ?? ""
  }
}
