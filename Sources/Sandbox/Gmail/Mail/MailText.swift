/// The readable text of a mail, for its snippet and for searches.
enum MailText {
  private static let snippetLength = 200
  /// Maximum number of bytes of a text that are used.
  private static let maximumBytes = 256 * 1_024

  /// The plain text, or the HTML without tags, on one line.
  static func of(_ mail: MIMEEntity) -> String {
    let leaves = mail.flattened(intoMails: false).filter { $0.parts.isEmpty && $0.fileName.isEmpty }
    if let plain = leaves.first(where: { $0.type == "text/plain" }) {
      return inOneLine(text(of: plain))
    }
    guard let html = leaves.first(where: { $0.type == "text/html" }) else { return "" }
    return inOneLine(withoutTags(text(of: html)))
  }

  /// The snippet as Gmail returns it: escaped for HTML.
  static func snippet(_ text: String) -> String {
    escaped(String(text.prefix(snippetLength)))
  }

  private static func text(of leaf: MIMEEntity) -> String {
    let content = Array(leaf.content.prefix(maximumBytes))
    return CharacterSetName.text(content, leaf.typeParameters["charset"] ?? "")
      ?? String(decoding: content, as: UTF8.self)
  }

  /// The content in UTF-8, as Gmail returns texts, whatever character set the header names. UTF-8
  /// under another name stays, as do bytes that the set does not define.
  static func converted(_ leaf: MIMEEntity) -> [UInt8] {
    let content = leaf.content
    let isUTF8 = String(validating: content, as: UTF8.self) != nil
    let isASCII = content.allSatisfy { $0 < 0x80 }
    guard isASCII || !isUTF8 else { return content }
    return CharacterSetName.text(content, leaf.typeParameters["charset"] ?? "")
      .map { Array($0.utf8) } ?? content
  }

  private static func inOneLine(_ text: String) -> String {
    text.split { $0.isWhitespace }.joined(separator: " ")
  }

  static func withoutTags(_ html: String) -> String {
    var text = ""
    var isInTag = false
    for character in html {
      switch character {
      case "<": isInTag = true
      case ">" where isInTag:
        isInTag = false
        text.append(" ")
      default: if !isInTag { text.append(character) }
      }
    }
    for (entity, plain) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")] {
      text = replace(entity, in: text, with: plain)
    }
    return text
  }

  private static func replace(_ entity: String, in text: String, with plain: String) -> String {
    var replaced = ""
    var rest = text[...]
    while let start = rest.firstIndex(of: "&") {
      replaced += rest[..<start]
      let isFound = rest[start...].hasPrefix(entity)
      replaced += isFound ? plain : "&"
      rest = rest[start...].dropFirst(isFound ? entity.count : 1)
    }
    return replaced + rest
  }

  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for character in text {
      switch character {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&#39;"
      default: escaped.append(character)
      }
    }
    return escaped
  }
}
