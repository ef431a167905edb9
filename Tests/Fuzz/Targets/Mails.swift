import JSON

@testable import Mail

/// Mails as bytes and as Gmail's JSON, header fields, HTML.
enum Mails {
  static func message(_ input: UnsafeBufferPointer<UInt8>) {
    var limits = MailLimits()
    limits.nesting = 12
    limits.parts = 40
    limits.headers = 60
    let mail = MailMessage(reading: Array(input), limits: limits)
    readAll(mail, limits)
    check(mail.headers.allSatisfy { $0.raw.endIndex <= input.count }, "a header after the end")
    for part in mail.parts where part.parts.isEmpty {
      check((part.bytes?.count ?? 0) <= input.count, "a part is larger than its mail")
    }
  }

  static func payload(_ input: UnsafeBufferPointer<UInt8>) {
    guard let json = try? JSON.parse(input), let mail = MailMessage(gmailPayload: json) else {
      return
    }
    readAll(mail, MailLimits())
  }

  private static func readAll(_ mail: MailMessage, _ limits: MailLimits) {
    check(mail.parts.count <= limits.parts, "more parts than the limit")
    _ = (mail.subject, mail.date, mail.to, mail.messageID)
    _ = (mail.plainBody?.text, mail.htmlBody?.text)
    let body = MailBody(of: mail)
    _ = body.rendered(body.parts.map(\.text))
    for field in mail.headers { read(field) }
    for part in mail.parts {
      _ = (part.fileName, part.contentID, part.isInline)
      if let bytes = part.bytes, let text = part.text {
        check(text.utf8.count <= bytes.count * 6 + 64, "the text of a part is too long")
      }
    }
    var inner = mail.allAttachments.compactMap(\.embedded)[...]
    while let next = inner.popFirst() { _ = (next.subject, next.plainBody?.text) }
  }

  static func header(_ input: UnsafeBufferPointer<UInt8>) {
    read(MailHeader(name: "X", raw: Array(input)[...]))
    _ = MediaType(input.text)
    _ = Charset.decode(Array(input), named: input.headAndRest.head.text)
    if let date = MailDate(input.text),
      (0...253_402_300_799_999).contains(date.timestamp.millisecondsSince1970)
    {
      check(MailDate(date.rfc5322) == date, "\(date.rfc5322) is another date")
    }
  }

  private static func read(_ field: MailHeader) {
    let size = field.raw.count
    check(field.value.utf8.count <= size * 6 + 64, "the value of a header is too long")
    let mailboxes = field.addressList.flatMap(\.mailboxes)
    check(mailboxes.count <= size + 1, "more addresses than bytes")
    let parameters = field.parameterized
    _ = (parameters.value, parameters["filename"], parameters["charset"], parameters["boundary"])
  }

  static func html(_ input: UnsafeBufferPointer<UInt8>) {
    let text = input.text
    check(
      HTMLText.plain(text).utf8.count <= text.utf8.count * 4 + 64, "the plain text is too long")
    _ = HTMLText.isLikely(text)
  }
}
