/// A mail, read from its bytes (RFC 5322, MIME) or from what Gmail answers.
///
/// Reading never fails: what is malformed is read as well as can be. Takes time in proportion to
/// the size; the parts share the bytes of the mail, which stay in memory as long as one of them.
package struct MailMessage: Sendable {
  /// The outermost part, whose header is that of the mail.
  package let root: MailPart
  /// Whether a limit was reached: there is more in the mail than in the tree.
  package let isCutShort: Bool

  init(root: MailPart, isCutShort: Bool) {
    self.root = root
    self.isCutShort = isCutShort
  }

  /// Reads a whole mail.
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
  /// With its angle brackets.
  package var messageID: String? { headers.value("Message-ID") }

  // MARK: Parts

  /// All parts in their order, a part before those inside it; mails inside as one part each.
  package var parts: [MailPart] {
    var parts: [MailPart] = []
    Self.collect(root, into: &parts)
    return parts
  }

  /// The first part of the text in `text/plain`; nil where there is none.
  package var plainBody: MailPart? { body("plain") }

  /// The first part of the text in `text/html`; nil where there is none.
  package var htmlBody: MailPart? { body("html") }

  /// What is not the text: parts that have a file name or are disposed as attachments, mails inside
  /// (see `MailPart.embedded`), and whatever else is no text. Inline images are among them.
  package var attachments: [MailPart] { parts.filter(Self.isAttachment) }

  /// The attachments, and behind each mail inside those of it.
  package var allAttachments: [MailPart] {
    attachments.flatMap { [$0] + ($0.embedded?.allAttachments ?? []) }
  }

  private static func collect(_ part: MailPart, into parts: inout [MailPart]) {
    parts.append(part)
    guard !part.mediaType.isMail else { return }
    for inner in part.parts { collect(inner, into: &parts) }
  }

  /// One that is empty is taken only where no other is.
  private func body(_ subtype: String) -> MailPart? {
    let bodies = parts.filter { part in
      part.parts.isEmpty && !Self.isAttachment(part)
        && (part.mediaType.isText
          ? part.mediaType.subtype == subtype : part.mediaType.isMultipart && subtype == "plain")
    }
    return bodies.first { !$0.isEmpty } ?? bodies.first
  }

  private static func isAttachment(_ part: MailPart) -> Bool {
    if part.mediaType.isMail || part.fileName != nil || part.disposition == "attachment" {
      return true
    }
    // A multipart that cannot be taken apart is read as text.
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
