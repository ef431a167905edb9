/// A mail, parsed from its bytes (RFC 5322, MIME) or from a Gmail response.
///
/// Parsing never fails: malformed input is parsed as far as possible. Takes time proportional to
/// the size. The parts share the bytes of the mail, which stay in memory as long as one part does.
package struct MailMessage: Sendable {
  /// The outermost part. Its header is the header of the mail.
  package let root: MailPart
  /// Whether a limit was reached and the tree is incomplete.
  package let isTruncated: Bool

  init(root: MailPart, isTruncated: Bool) {
    self.root = root
    self.isTruncated = isTruncated
  }

  /// Parses a complete mail.
  package init(reading source: [UInt8], limits: MailLimits = MailLimits()) {
    self = MIMEReader.read(source, limits: limits)
  }

  // MARK: Header

  package var headers: MailHeaders { root.headers }
  package var subject: String? { headers.value("Subject") }
  package var from: [MailAddress] { headers.addresses("From") }
  package var to: [MailAddress] { headers.addresses("To") }
  package var cc: [MailAddress] { headers.addresses("Cc") }
  package var bcc: [MailAddress] { headers.addresses("Bcc") }
  package var date: MailDate? { headers.date("Date") }
  /// With angle brackets.
  package var messageID: String? { headers.value("Message-ID") }

  // MARK: Parts

  /// All parts in order, each before its children. An embedded mail counts as one part.
  package var parts: [MailPart] {
    var parts: [MailPart] = []
    Self.collect(root, into: &parts)
    return parts
  }

  /// The first `text/plain` part of the text; nil if there is none.
  package var plainBody: MailPart? { body("plain") }

  /// The first `text/html` part of the text; nil if there is none.
  package var htmlBody: MailPart? { body("html") }

  /// Parts that can be stored as files: parts with a file name or the disposition attachment,
  /// embedded mails (see `MailPart.embedded`), and all parts that are not text. Includes inline
  /// images, and texts with a name, which also belong to the body (see `MailPart.isBodyText`).
  package var attachments: [MailPart] { parts.filter(Self.isAttachment) }

  /// The attachments, each embedded mail followed by its own attachments.
  package var allAttachments: [MailPart] {
    attachments.flatMap { [$0] + ($0.embedded?.allAttachments ?? []) }
  }

  private static func collect(_ part: MailPart, into parts: inout [MailPart]) {
    parts.append(part)
    guard !part.mediaType.isMail else { return }
    for inner in part.parts { collect(inner, into: &parts) }
  }

  /// Returns an empty part only if there is no other.
  private func body(_ subtype: String) -> MailPart? {
    let bodies = parts.filter { part in
      part.isBodyText
        && (part.mediaType.isText
          ? part.mediaType.subtype == subtype : part.mediaType.isMultipart && subtype == "plain")
    }
    return bodies.first { !$0.isEmpty } ?? bodies.first
  }

  private static func isAttachment(_ part: MailPart) -> Bool {
    if part.mediaType.isMail || part.fileName != nil || part.disposition == "attachment" {
      return true
    }
    // A multipart that cannot be parsed is read as text.
    return !part.mediaType.isMultipart
      && !(part.mediaType.isText && ["plain", "html"].contains(part.mediaType.subtype))
  }
}

extension MailPart {
  fileprivate var isEmpty: Bool {
    switch content {
    case .encoded(let bytes, _): bytes.allSatisfy(ASCII.isWhiteSpace)
    case .decoded(let bytes): bytes.allSatisfy(ASCII.isWhiteSpace)
    case .remote(_, let size): size == 0
    }
  }
}
