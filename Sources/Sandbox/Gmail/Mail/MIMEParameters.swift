/// A header value with parameters, `attachment; filename="a.txt"` (RFC 2045 section 5.1), including
/// continuations and character sets (RFC 2231).
struct MIMEParameters {
  let value: String
  /// By name in lower case.
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

  /// Splits at semicolons outside of quotes.
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
