import Basics

/// The difficult mail of `soc@harbor.example`, one per minute from 08:00 on. Tests find each by its
/// subject, or by the Message-ID `KEY@triage.example`.
///
/// | key | |
/// |---|---|
/// | `plain`, `alternative` | text; text and HTML |
/// | `twins` | two attachments with the same name, and a small inline text file |
/// | `inline` | an image inside the HTML (multipart/related) |
/// | `nested` | `reported.eml` with two attachments and, nested in it, `original.eml` |
/// | `bare` | an attached mail without a name and with a single text |
/// | `latin`, `shiftjis`, `utf16`, `rfc2231` | character sets of text, subject and file names |
/// | `large` | HTML that must be fetched like an attachment |
/// | `outlook` | `winmail.dat` with two files |
/// | `cut`, `headless`, `spoilt`, `nodate` | broken mail |
/// | `doubled` | repeated headers with unusual case, upper-case ATTACHMENT |
/// | `empty` | no subject, no body |
/// | `escapes` | text with an escaped snippet |
enum GmailSeedTriage {
  private static let user = "soc"
  private static let reporter = "Fiona Finch <fiona@harbor.example>"

  static var posts: [GmailSeed.Post] {
    let mails =
      [plain, alternative, twins, inline, nested, bare] + GmailSeedCharsets.mails
      + [large, outlook] + GmailSeedBroken.mails
    var posts = mails.enumerated().map { position, mail in
      GmailSeed.Post(owner: user, mail: mail, milliseconds: position * 60_000 + 250)
    }
    posts[1].labels.append("Label_13")
    posts[3].labels += ["STARRED"]
    posts.append(other("SPAM", ["SPAM", "UNREAD"], "You have won", minutes: 40))
    posts.append(other("TRASH", ["TRASH"], "Old newsletter", minutes: 41))
    posts.append(other("SENT", ["SENT"], "Re: strange mail", minutes: 42, isOwn: true))
    posts.append(other("DRAFT", ["DRAFT"], "Not finished", minutes: 43, isOwn: true))
    return posts
  }

  /// - Parameter key: a key of the table above.
  static func head(_ key: String, _ subject: String, from: String = reporter) -> [SeedMail.Header] {
    [
      ("Received", "by mx.harbor.example with ESMTPS id \(key); \(MailDate.text(GmailSeed.epoch))"),
      ("From", from), ("To", "Triage <soc@harbor.example>"), ("Subject", subject),
      ("Date", MailDate.text(GmailSeed.epoch, zoneHours: -5)),
      ("Message-ID", "<\(key)@triage.example>"),
    ]
  }

  private static func other(
    _ key: String, _ labels: [String], _ subject: String, minutes: Int, isOwn: Bool = false
  ) -> GmailSeed.Post {
    GmailSeed.Post(
      owner: user,
      mail: GmailSeedRoutine.plain(
        from: isOwn ? "soc@harbor.example" : "someone@outside.example",
        to: isOwn ? "fiona@harbor.example" : "soc@harbor.example", subject: subject,
        seconds: minutes * 60, id: "\(key.lowercased())@triage.example", "\(subject).\r\n"),
      labels: labels, milliseconds: minutes * 60_000)
  }

  // MARK: Mails

  private static var plain: [UInt8] {
    SeedMail.text("Is this mail real? It asks for my password.\r\n").with(
      head("plain", "Strange mail")
    ).bytes
  }

  private static var alternative: [UInt8] {
    SeedMail.multipart(
      "alternative", "alt-1",
      [
        .text("Your parcel waits: http://parcels.evil.example/pay\r\n"),
        .text(
          "<p>Your parcel <a href=\"http://parcels.evil.example/pay\">waits</a></p>\r\n", "html"),
      ],
      headers: head("alternative", "Your parcel", from: "Parcels <noreply@parcels.evil.example>")
        + [("Reply-To", "pay@evil.example"), ("Cc", "Nils <nils@harbor.example>")]
    ).bytes
  }

  private static var twins: [UInt8] {
    SeedMail.multipart(
      "mixed", "mix-1",
      [
        .text("Two invoices.\r\n"),
        .file("invoice.csv", "text/csv", Array(String(repeating: "a;1;first\n", count: 40).utf8)),
        .file("invoice.csv", "text/csv", Array(String(repeating: "b;2;second\n", count: 50).utf8)),
        .file("note.txt", "text/plain; charset=utf-8", Array("Pay soon.\n".utf8)),
      ], headers: head("twins", "Two invoices")
    ).bytes
  }

  /// A single pixel (RFC 2083).
  static let png = TransferEncoding.base64(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
      .utf8)

  private static var inline: [UInt8] {
    let related = SeedMail.multipart(
      "related", "rel-1",
      [
        .text("<p>Look: <img src=\"cid:logo@triage\"></p>\r\n", "html"),
        .file(
          "logo.png", "image/png", png, disposition: "inline",
          more: [("Content-ID", "<logo@triage>")]),
      ])
    return SeedMail.multipart(
      "alternative", "alt-2", [.text("Look: [logo]\r\n"), related],
      headers: head("inline", "A picture")
    ).bytes
  }

  private static var nested: [UInt8] {
    let original = SeedMail.text("Send the money today. The director.\r\n").with([
      ("From", "Director <director@evil.example>"), ("To", "fiona@harbor.example"),
      ("Subject", "Urgent transfer"), ("Date", MailDate.text(GmailSeed.epoch - 86_400)),
      ("Message-ID", "<original@evil.example>"),
    ]).bytes
    let reported = SeedMail.multipart(
      "mixed", "mix-3",
      [
        .multipart(
          "alternative", "alt-3",
          [.text("See attached.\r\n"), .text("<b>See attached.</b>\r\n", "html")]),
        .file("offer.pdf", "application/pdf", Array("%PDF-1.4\n% harmless\n%%EOF\n".utf8)),
        .attached(original, name: "original.eml"),
      ],
      headers: [
        ("From", "Broker <broker@evil.example>"), ("To", "Fiona <fiona@harbor.example>"),
        ("Cc", "nils@harbor.example"), ("Subject", "Fwd: Urgent transfer"),
        ("Date", MailDate.text(GmailSeed.epoch - 3_600)), ("Message-ID", "<reported@evil.example>"),
      ])
    return SeedMail.multipart(
      "mixed", "mix-2",
      [
        .text("Please look at the attached mail.\r\n"),
        .attached(reported.bytes, name: "reported.eml"),
        .file("screenshot.png", "image/png", png),
      ], headers: head("nested", "Phishing report")
    ).bytes
  }

  private static var bare: [UInt8] {
    let inner = SeedMail.text("Click here.\r\n").with([
      ("From", "x@evil.example"), ("To", "soc@harbor.example"), ("Subject", "Inner"),
    ])
    return SeedMail.multipart(
      "mixed", "mix-4", [.text("Forwarded.\r\n"), .attached(inner.bytes, name: nil)],
      headers: head("bare", "Fwd: Inner")
    ).bytes
  }

  private static var large: [UInt8] {
    let row = "<tr><td>10.0.0.1</td><td>blocked</td></tr>\r\n"
    return SeedMail.text(
      "<table>\r\n" + String(repeating: row, count: 2_000) + "</table>\r\n", "html"
    ).with(head("large", "Firewall log")).bytes
  }

  private static var outlook: [UInt8] {
    let wrapped = TNEF.wrap([
      ("agenda.docx", Array("not really a document".utf8)),
      ("budget.xlsx", Array("nor a sheet".utf8)),
    ])
    return SeedMail.multipart(
      "mixed", "mix-5",
      [.text("Agenda.\r\n"), .file("winmail.dat", "application/ms-tnef", wrapped)],
      headers: head("outlook", "Agenda", from: "Partner <partner@outside.example>")
    ).bytes
  }
}
