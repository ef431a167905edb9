import Basics

/// Builds a mail to send (RFC 5322, MIME).
///
/// Bcc is written like the other fields; the sending service removes it, as Gmail does.
package struct MailBuilder: Sendable {
  package var from: MailAddress
  package var to: [MailAddress] = []
  package var cc: [MailAddress] = []
  package var bcc: [MailAddress] = []
  package var replyTo: [MailAddress] = []
  package var subject: String
  /// Nil for the current time.
  package var date: MailDate?
  /// With angle brackets; nil for a new id in the sender's domain.
  package var messageID: String?
  package var text: String?
  /// Sent with `text` as the alternative, or with plain text derived from the HTML.
  package var html: String?
  package var attachments: [MailAttachment] = []
  /// For the fields In-Reply-To and References.
  package var answers: RepliedMail?
  /// Returns a new unguessable text of letters, digits and hyphens on each call.
  package var makeToken: @Sendable () -> String = { UniqueID.make() }

  package init(from: MailAddress, subject: String) {
    self.from = from
    self.subject = subject
  }

  /// The size of the mail in bytes, without encoding its attachments.
  ///
  /// - Throws: the same errors as `build`.
  package func encodedSize() throws(MailBuildError) -> Int { try plan().size }

  /// The bytes of the mail: lines of at most 998 bytes that end with CRLF.
  ///
  /// - Throws: a value with a line break or NUL, with the name of its field; an invalid address or
  ///   content type; no recipients.
  package func build() throws(MailBuildError) -> [UInt8] {
    let plan = try plan()
    var output: [UInt8] = []
    output.reserveCapacity(plan.size)
    plan.write(into: &output)
    return output
  }

  private func plan() throws(MailBuildError) -> Entity {
    var body = try content()
    body.header = try header() + "MIME-Version: 1.0\r\n" + body.header
    return body
  }

  // MARK: Header

  private func header() throws(MailBuildError) -> String {
    guard !(to.isEmpty && cc.isEmpty && bcc.isEmpty) else {
      throw MailBuildError("To", "is empty, and so are Cc and Bcc")
    }
    var writer = HeaderWriter()
    try writer.addresses("From", [from])
    try writer.addresses("Reply-To", replyTo)
    try writer.addresses("To", to)
    try writer.addresses("Cc", cc)
    try writer.addresses("Bcc", bcc)
    try writer.unstructured("Subject", subject)
    let date =
      date ?? MailDate(Timestamp(millisecondsSince1970: WallClock.nowMilliseconds))
    writer.literal("Date", date.rfc5322)
    writer.literal("Message-ID", try checkedMessageID())
    if let answers {
      writer.messageIDs("In-Reply-To", [answers.messageID])
      writer.messageIDs("References", answers.ancestors + [answers.messageID])
    }
    return writer.text
  }

  private func checkedMessageID() throws(MailBuildError) -> String {
    guard let messageID else {
      let domain = from.address.split(separator: "@").last ?? "localhost"
      return "<\(makeToken())@\(domain)>"
    }
    let inner = messageID.dropFirst().dropLast()
    guard messageID.hasPrefix("<"), messageID.hasSuffix(">"), inner.contains("@"),
      messageID.utf8.count <= 250,
      inner.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != ASCII.less && $0 != ASCII.greater })
    else { throw MailBuildError("Message-ID", "must have the form <left@right>") }
    return messageID
  }

  // MARK: Content

  private func content() throws(MailBuildError) -> Entity {
    var inline: [Entity] = []
    var files: [Entity] = []
    for (position, attachment) in attachments.enumerated() {
      let entity = try Entity(attachment, number: position + 1)
      if attachment.contentID != nil && html != nil {
        inline.append(entity)
      } else {
        files.append(entity)
      }
    }
    let body = body(with: inline)
    return files.isEmpty ? body : Entity(multipart: "mixed", [body] + files, token: makeToken)
  }

  private func body(with inline: [Entity]) -> Entity {
    guard let html else { return Entity(text: text ?? "", subtype: "plain") }
    let plain = Entity(text: text ?? HTMLText.plain(html), subtype: "plain")
    var marked = Entity(text: html, subtype: "html")
    if !inline.isEmpty {
      marked = Entity(
        multipart: "related", parameters: "; type=\"text/html\"", [marked] + inline,
        token: makeToken)
    }
    return Entity(multipart: "alternative", [plain, marked], token: makeToken)
  }
}
