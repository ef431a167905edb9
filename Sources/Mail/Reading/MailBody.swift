/// The text of a mail: every text part that is not an attachment, in order (RFC 2046 section 5.1).
///
/// Of the alternatives of a multipart, the plain rendering shows the plain ones and the HTML
/// rendering shows the HTML ones. A text that is not blank is in at least one of the two, so that no
/// part can be placed where neither shows it.
package struct MailBody: Sendable {
  /// The parts whose text is needed.
  package let parts: [MailPart]
  private let root: Node

  fileprivate indirect enum Node {
    /// A position in `parts`.
    case text(Int)
    case all([Node])
    case alternatives([Node])
  }

  package init(of mail: MailMessage) {
    var parts: [MailPart] = []
    root = Self.node(mail.root, &parts)
    self.parts = parts
  }

  private static func node(_ part: MailPart, _ parts: inout [MailPart]) -> Node {
    if part.isBodyText {
      parts.append(part)
      return .text(parts.count - 1)
    }
    guard !part.mediaType.isMail else { return .all([]) }
    var nodes: [Node] = []
    for inner in part.parts { nodes.append(node(inner, &parts)) }
    let isAlternative = part.mediaType.description == "multipart/alternative"
    return isAlternative ? .alternatives(nodes) : .all(nodes)
  }

  /// - Parameter texts: the text of each part; nil if it is unavailable.
  /// - Returns: nil if there is no text.
  package func rendered(_ texts: [String?]) -> RenderedBody? {
    let texts = zip(parts, texts).map { BodyText(format: $0.bodyFormat, text: $1) }
    return RenderedBody(texts, root)
  }
}

/// A body in the two formats of mail.
package struct RenderedBody: Sendable {
  /// The plain texts, and the words of the HTML that has no plain alternative.
  package let plain: String
  /// The HTML, and the plain texts that have no HTML alternative.
  package let html: String
  /// Whether there is no plain text.
  package let isOnlyHTML: Bool

  fileprivate init?(_ texts: [BodyText], _ root: MailBody.Node) {
    let plain = Self.selected(root, texts, prefersHTML: false)
    let html = Self.selected(root, texts, prefersHTML: true)
    let hidden = texts.indices.filter { position in
      texts[position].isShown && texts[position].format != .other && !plain.contains(position)
        && !html.contains(position)
    }
    let available = texts.filter { $0.text != nil }
    guard let first = available.first else { return nil }
    // If all texts are blank, the event still has the first one.
    let plainTexts = Self.texts(
      plain.union(hidden), of: texts,
      blank: available.first { $0.format != .html } ?? first)
    let htmlTexts = Self.texts(
      html, of: texts, blank: available.first { $0.format == .html } ?? first)
    self.plain = Self.joined(plainTexts.map(\.words))
    self.html = Self.joined(htmlTexts.map(\.html))
    isOnlyHTML = plainTexts.allSatisfy { $0.format == .html }
  }

  private static func texts(
    _ positions: Set<Int>, of texts: [BodyText], blank: BodyText
  ) -> [BodyText] {
    positions.isEmpty ? [blank] : positions.sorted().map { texts[$0] }
  }

  /// The positions of the texts that are shown. Blank texts are not.
  private static func selected(
    _ node: MailBody.Node, _ texts: [BodyText], prefersHTML: Bool
  ) -> Set<Int> {
    switch node {
    case .text(let position): return texts[position].isShown ? [position] : []
    case .all(let nodes):
      return nodes.reduce(into: []) {
        $0.formUnion(selected($1, texts, prefersHTML: prefersHTML))
      }
    case .alternatives(let nodes):
      var branches: [BodyFormat: Set<Int>] = [:]
      for node in nodes {
        let branch = selected(node, texts, prefersHTML: prefersHTML)
        let formats = Set(branch.map { texts[$0].format })
        let format = [BodyFormat.html, .plain].first(where: formats.contains) ?? .other
        branches[format, default: []].formUnion(branch)
      }
      let order: [BodyFormat] = prefersHTML ? [.html, .plain, .other] : [.plain, .html, .other]
      return order.lazy.compactMap { branches[$0] }.first { !$0.isEmpty } ?? []
    }
  }

  private static func joined(_ texts: [String]) -> String {
    var joined = ""
    for (position, text) in texts.enumerated() {
      joined += text
      let isLast = position == texts.count - 1
      if !isLast, joined.utf8.last != ASCII.lineFeed { joined += "\r\n" }
    }
    return joined
  }
}

private enum BodyFormat {
  case plain, html
  /// Another text, such as `text/calendar`. Readers show it as plain text (RFC 2046 section 4.1.4),
  /// or an alternative that they know.
  case other
}

private struct BodyText {
  let format: BodyFormat
  let text: String?
  /// The text without tags.
  let words: String
  let isShown: Bool

  init(format: BodyFormat, text: String?) {
    self.format = format
    self.text = text
    let content = text ?? ""
    words = format == .html ? HTMLText.plain(content) : content
    isShown = !Self.isBlank(words) || format == .html && Self.refersToContent(content)
  }

  /// The text as HTML.
  var html: String {
    let text = text ?? ""
    guard format != .html, !text.isEmpty else { return text }
    var html = "<pre>"
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": html += "&amp;"
      case "<": html += "&lt;"
      case ">": html += "&gt;"
      default: html.unicodeScalars.append(scalar)
      }
    }
    return html + "</pre>"
  }

  /// Whether a reader sees nothing.
  private static func isBlank(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy {
      $0.properties.isWhitespace || $0.properties.isDefaultIgnorableCodePoint
        || $0.properties.generalCategory == .control || $0.properties.generalCategory == .format
        || $0 == "\u{2800}"
    }
  }

  /// Whether HTML without words has pictures or links.
  private static func refersToContent(_ html: String) -> Bool {
    let bytes = Array(html.lowercased().utf8)
    return ["src", "href", "action", "background", "url("].contains { word in
      var rest = bytes[...]
      while let found = rest.firstIndex(of: word.utf8.first ?? 0) {
        if bytes[found...].starts(with: word.utf8) { return true }
        rest = bytes[(found + 1)...]
      }
      return false
    }
  }
}

extension MailPart {
  /// Whether the part belongs to the text of the mail: it is text, and its disposition is not
  /// attachment. A file name alone makes no attachment (RFC 2183 section 2). A multipart that cannot
  /// be parsed is text.
  package var isBodyText: Bool {
    parts.isEmpty && disposition != "attachment" && (mediaType.isText || mediaType.isMultipart)
  }

  package var isHTML: Bool { bodyFormat == .html }

  fileprivate var bodyFormat: BodyFormat {
    switch mediaType.subtype {
    case "html", "x-amp-html": mediaType.isText ? .html : .plain
    case "plain": .plain
    default: mediaType.isMultipart ? .plain : .other
    }
  }
}
