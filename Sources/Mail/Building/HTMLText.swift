/// Conversion of HTML to plain text, for readers that do not show HTML.
package enum HTMLText {
  /// The text of a document: each paragraph on a separate line, list items with hyphens, links
  /// after their text. Not an HTML parser: everything that looks like a tag is treated as one.
  package static func plain(_ html: String) -> String {
    var reader = HTMLTextReader(bytes: Array(html.utf8))
    return reader.read()
  }
}

private struct HTMLTextReader {
  let bytes: [UInt8]
  var at = 0
  var text: [UInt8] = []
  /// Line breaks and white space to write before the next word.
  var breaks = 0
  var hasSpace = false
  /// The open link. Links do not nest.
  var link: (url: String, start: Int)?
  var preformatted = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func read() -> String {
    while at < bytes.count {
      switch bytes[at] {
      case ASCII.less: readTag()
      case UInt8(ascii: "&"): write(HTMLEntity.read(bytes, &at))
      case let byte where ASCII.isWhiteSpace(byte):
        if preformatted > 0 {
          if byte == ASCII.lineFeed { breaks += 1 } else { write([byte]) }
        } else {
          hasSpace = true
        }
        at += 1
      default:
        let start = at
        while at < bytes.count, bytes[at] != ASCII.less, bytes[at] != UInt8(ascii: "&"),
          !ASCII.isWhiteSpace(bytes[at])
        {
          at += 1
        }
        write(bytes[start..<at])
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  private mutating func write(_ word: some Collection<UInt8>) {
    if !text.isEmpty {
      if breaks > 0 {
        text += Array(repeating: ASCII.lineFeed, count: min(breaks, 2))
      } else if hasSpace {
        text.append(ASCII.space)
      }
    }
    (breaks, hasSpace) = (0, false)
    text += word
  }

  // MARK: Tags

  private mutating func readTag() {
    let start = at
    at += 1
    if bytes[at...].starts(with: "!--".utf8) {
      skip(behind: "-->")
      return
    }
    let isEnd = at < bytes.count && bytes[at] == ASCII.slash
    if isEnd { at += 1 }
    guard at < bytes.count, ASCII.isLetter(bytes[at]) || bytes[at] == UInt8(ascii: "!") else {
      at = start + 1
      write([ASCII.less])
      return
    }
    let name = bytes[at...].prefix(12).prefix { ASCII.isLetter($0) || ASCII.isDigit($0) }
    let attributes = endOfTag()
    apply(String(decoding: name, as: UTF8.self).lowercased(), isEnd: isEnd, attributes)
  }

  /// Moves past the `>` of the tag; a `>` in quotes does not count. Returns the skipped range.
  private mutating func endOfTag() -> Range<Int> {
    let start = at
    var quote: UInt8?
    while at < bytes.count {
      let byte = bytes[at]
      if let open = quote {
        if byte == open { quote = nil }
      } else if byte == ASCII.quote || byte == ASCII.apostrophe, bytes[at - 1] == ASCII.equals {
        quote = byte
      } else if byte == ASCII.greater {
        at += 1
        return start..<(at - 1)
      }
      at += 1
    }
    return start..<at
  }

  private mutating func apply(_ name: String, isEnd: Bool, _ attributes: Range<Int>) {
    switch name {
    case "script", "style", "title",
      "head" where !isEnd:
      skipElement(name)
    case "br": breaks += 1
    case "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote":
      breaks = max(breaks, 2)
    case "div", "tr", "section", "article", "header", "footer", "hr": breaks = max(breaks, 1)
    case "pre":
      breaks = max(breaks, 1)
      preformatted = max(0, preformatted + (isEnd ? -1 : 1))
    case "li":
      breaks = max(breaks, 1)
      if !isEnd {
        write(Array("-".utf8))
        hasSpace = true
      }
    case "td", "th": hasSpace = true
    case "a": if isEnd { endLink() } else { link = (url(in: attributes), text.count) }
    default: break
    }
  }

  private mutating func endLink() {
    guard let link else { return }
    self.link = nil
    let shown = String(decoding: text[min(link.start, text.count)...], as: UTF8.self)
    let isRepeated = shown.contains(link.url) || link.url == "mailto:" + shown.trimmingBlanks
    guard link.url.contains(":"), !isRepeated else { return }
    write(Array(" <\(link.url)>".utf8))
  }

  private func url(in attributes: Range<Int>) -> String {
    let tag = bytes[attributes]
    guard
      let start = tag.indices.first(where: { index in
        tag.endIndex - index > 5
          && zip(tag[index...], "href=".utf8).allSatisfy { ASCII.lowercased($0) == $1 }
      })
    else { return "" }
    var value = tag[(start + 5)...]
    if let quote = value.first, quote == ASCII.quote || quote == ASCII.apostrophe {
      value = value.dropFirst().prefix { $0 != quote }
    } else {
      value = value.prefix { !ASCII.isWhiteSpace($0) }
    }
    var decoded: [UInt8] = []
    var position = 0
    let encoded = Array(value)
    while position < encoded.count {
      if encoded[position] == UInt8(ascii: "&") {
        decoded += HTMLEntity.read(encoded, &position)
      } else {
        if encoded[position] > 0x20 { decoded.append(encoded[position]) }
        position += 1
      }
    }
    return String(decoding: decoded, as: UTF8.self)
  }

  // MARK: Skipping

  private mutating func skip(behind end: String) {
    let wanted = Array(end.utf8)
    while at < bytes.count, !bytes[at...].starts(with: wanted) { at += 1 }
    at = min(at + wanted.count, bytes.count)
  }

  /// Moves past the end tag of an element without text content.
  private mutating func skipElement(_ name: String) {
    let wanted = Array(("</" + name).utf8)
    while at < bytes.count {
      if bytes[at] == ASCII.less, bytes.count - at >= wanted.count,
        zip(bytes[at...], wanted).allSatisfy({ ASCII.lowercased($0) == $1 })
      {
        _ = endOfTag()
        return
      }
      at += 1
    }
  }
}

extension String {
  fileprivate var trimmingBlanks: String {
    String(decoding: ASCII.trimmed(Array(utf8)), as: UTF8.self)
  }
}
