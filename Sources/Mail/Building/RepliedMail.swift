/// The mail that a reply answers: what the reply repeats of it (RFC 5322 sections 3.6.4 and 3.6.5).
package struct RepliedMail: Sendable {
  /// Without angle brackets, as in `references`.
  let messageID: String
  /// For the field References of the reply, without `messageID`.
  let ancestors: [String]
  /// Of the mail; empty if it has none.
  package let subject: String

  /// Message IDs that a reply repeats: of longer threads the first one and the last ones.
  static let maximumReferences = 100
  /// In bytes. Longer ones, which have no place in a line, are left out.
  private static let maximumMessageID = 900

  /// - Returns: nil if the mail has no Message-ID, so that no reply can refer to it.
  package init?(_ headers: MailHeaders) {
    guard let own = Self.messageIDs(in: headers["Message-ID"]).first else { return nil }
    messageID = own
    var ancestors = Self.messageIDs(in: headers["References"])
    if ancestors.isEmpty {
      let parents = Self.messageIDs(in: headers["In-Reply-To"])
      // With several of them it is unknown which one the thread began with.
      if parents.count == 1 { ancestors = parents }
    }
    ancestors.removeAll { $0 == own }
    let excess = ancestors.count + 1 - Self.maximumReferences
    if excess > 0 { ancestors.removeSubrange(1...excess) }
    self.ancestors = ancestors
    // A line break in an encoded word would start another field.
    subject = headers.value("Subject").map(Self.onOneLine) ?? ""
  }

  /// `Re: ` and the subject, unless it begins so already.
  package var replySubject: String {
    subject.lowercased().hasPrefix("re:") ? subject : "Re: \(subject)"
  }

  /// Whether a subject belongs to the thread: it differs only in its prefixes, case and blanks.
  package func matches(_ subject: String) -> Bool {
    Self.topic(subject) == Self.topic(self.subject)
  }

  /// Of replies and forwarded mail, as mail programs write them in several languages.
  private static let prefixes: Set<String> = [
    "re", "aw", "antw", "sv", "vs", "r", "rif", "odp", "ynt", "res", "fw", "fwd", "wg", "tr", "enc",
    "vl", "vb",
  ]

  private static func topic(_ subject: String) -> String {
    var words = subject.lowercased().split(whereSeparator: \.isWhitespace)[...]
    while let first = words.first, let colon = first.firstIndex(of: ":"),
      prefixes.contains(String(first[..<colon].prefix { $0 != "[" && $0 != "(" }))
    {
      let rest = first[first.index(after: colon)...]
      words.removeFirst()
      if !rest.isEmpty { words.insert(rest, at: words.startIndex) }
    }
    return words.joined(separator: " ")
  }

  private static func onOneLine(_ text: String) -> String {
    text.unicodeScalars.map { scalar in
      scalar.properties.generalCategory == .control ? " " : String(scalar)
    }.joined().trimmingSpaces
  }

  /// The texts in angle brackets that are visible ASCII.
  private static func messageIDs(in header: MailHeader?) -> [String] {
    guard let header else { return [] }
    return header.raw.split(separator: ASCII.less, omittingEmptySubsequences: false).dropFirst()
      .compactMap { piece in
        guard let end = piece.firstIndex(of: ASCII.greater) else { return nil }
        let id = piece[..<end]
        guard !id.isEmpty, id.count <= maximumMessageID, id.allSatisfy({ 0x21...0x7E ~= $0 })
        else { return nil }
        return String(decoding: id, as: UTF8.self)
      }
  }
}

extension String {
  fileprivate var trimmingSpaces: String {
    String(decoding: ASCII.trimmed(Array(utf8)), as: UTF8.self)
  }
}
