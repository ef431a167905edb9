/// One header field (RFC 5322 section 2.2).
struct MIMEHeader {
  let name: String
  /// Unfolded, else as sent; bytes that are not UTF-8 are U+FFFD.
  let value: String

  /// The fields, and the body behind the blank line.
  ///
  /// A line that is no field ends the headers, as a blank one does, but belongs to the body.
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

  /// The first of that name, letter case aside.
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

/// The value of a header with parameters, `attachment; filename="a.txt"` (RFC 2045 section 5.1),
/// those in several pieces and in other character sets with them (RFC 2231).
struct MIMEParameters {
  let value: String
  /// By lower-case name.
  private(set) var all: [String: String] = [:]

  subscript(name: String) -> String? { all[name] }

  init(_ text: String) {
    let pieces = Self.split(text)
    value = pieces[0].trimmed
    var extended: [String: [Int: (text: String, isEncoded: Bool)]] = [:]
    for piece in pieces.dropFirst() {
      guard let sign = piece.firstIndex(of: "=") else { continue }
      let name = String(piece[..<sign]).trimmed.lowercased()
      let value = Self.unquoted(String(piece[piece.index(after: sign)...]).trimmed)
      guard let star = name.firstIndex(of: "*") else {
        if all[name] == nil { all[name] = value }
        continue
      }
      let section = name[star...].filter(\.isNumber)
      extended[String(name[..<star]), default: [:]][Int(section) ?? 0] = (
        value, name.hasSuffix("*")
      )
    }
    for (name, sections) in extended {
      all[name] = Self.joined(sections.sorted { $0.key < $1.key }.map(\.value))
    }
  }

  /// At the semicolons outside of quotes.
  private static func split(_ text: String) -> [String] {
    var pieces = [""]
    var isQuoted = false
    var isEscaped = false
    for character in text {
      if character == ";" && !isQuoted {
        pieces.append("")
        continue
      }
      if character == "\"" && !isEscaped { isQuoted.toggle() }
      isEscaped = character == "\\" && !isEscaped
      pieces[pieces.count - 1].append(character)
    }
    return pieces
  }

  private static func unquoted(_ text: String) -> String {
    guard text.hasPrefix("\"") else { return text }
    var plain = ""
    var isEscaped = false
    for character in text.dropFirst() {
      if isEscaped {
        plain.append(character)
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else if character == "\"" {
        break
      } else {
        plain.append(character)
      }
    }
    return plain
  }

  /// The first encoded section names the character set: `UTF-8''na%C3%AFve`.
  private static func joined(_ sections: [(text: String, isEncoded: Bool)]) -> String {
    var bytes: [UInt8] = []
    var charset = "utf-8"
    for (position, section) in sections.enumerated() {
      var text = section.text
      if section.isEncoded && position == 0 {
        let words = text.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
        if words.count == 3 {
          charset = words[0].isEmpty ? charset : String(words[0])
          text = String(words[2])
        }
      }
      bytes += section.isEncoded ? TransferEncoding.percentDecoded(text) : Array(text.utf8)
    }
    return CharacterSetName.text(bytes, charset) ?? String(decoding: bytes, as: UTF8.self)
  }
}

extension StringProtocol {
  /// Without white space at both ends.
  var trimmed: String {
    let start = drop { $0.isWhitespace }
    let end = start.lastIndex { !$0.isWhitespace }
    return end.map { String(start[...$0]) } ?? ""
  }
}
