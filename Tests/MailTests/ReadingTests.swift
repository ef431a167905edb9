import Basics
import JSON
import Mail
import Testing

@Suite struct ReadingTests {
  @Test(arguments: ["\r\n", "\n", "\r"])
  func `a mail is parsed with any line ends`(lineBreak: String) {
    let mail = Mails.message(Mails.full, lineBreak: lineBreak)
    #expect(
      mail.parts.map { "\($0.id) \($0.mediaType)" } == [
        " multipart/mixed", "0 multipart/related", "0.0 multipart/alternative",
        "0.0.0 text/plain", "0.0.1 text/html", "0.1 image/png", "1 application/pdf",
        "2 message/rfc822",
      ])
    #expect(mail.subject == "Übersicht")
    #expect(mail.from == [MailAddress(name: "Doe, Jane", "jane@example.org")])
    #expect(mail.to.map(\.address) == ["a@example.org", "b@example.org"])
    #expect(mail.date?.timestamp.rfc3339 == "2026-11-20T12:00:00Z")
    #expect(mail.date?.offsetMinutes == 60)
    #expect(mail.messageID == "<1@example.org>")
    #expect(mail.htmlBody?.text == "<p>Grüße</p>")
    #expect(mail.attachments.map(\.fileName) == ["dot.png", "Übersicht.pdf", nil])
    #expect(mail.attachments.map(\.isInline) == [true, false, false])
    #expect(mail.attachments[0].contentID == "dot@example.org")
    #expect(mail.attachments[0].bytes == [0x89, 0x50, 0x4E, 0x47])
    #expect(mail.attachments[1].bytes == Array("%PDF".utf8))
    #expect(String(decoding: mail.root.preamble, as: UTF8.self).hasPrefix("This is the preamble."))
    #expect(String(decoding: mail.root.epilogue, as: UTF8.self).contains("This is the epilogue."))
    #expect(!mail.isTruncated)
  }

  @Test(arguments: [100, 100_000])
  func `a boundary behind many parameters hides no attachment`(count: Int) {
    let mail = Mails.message([
      "Content-Type: multipart/mixed" + String(repeating: "; a=b", count: count)
        + "; boundary=edge", "",
      "--edge",
      "Content-Disposition: attachment; x=\(String(repeating: "y", count: count * 5)); "
        + "filename=inner.zip", "", "PK", "--edge--",
    ])
    #expect(mail.attachments.map(\.fileName) == ["inner.zip"])
  }

  @Test func `a long field is truncated and the mail says so`() {
    let text = String(repeating: "x", count: 1_000_000)
    let mail = Mails.message(["Subject: \(text)", "\(text): y", "To: a@example.org", "", "Text"])
    #expect(mail.isTruncated)
    #expect(mail.subject?.count == 256 * 1_024 - 1, "without the space")
    #expect(mail.headers.map(\.name.count) == [7, 1_024, 2])
    #expect(mail.to.map(\.address) == ["a@example.org"])
    #expect(mail.plainBody?.text == "Text\r\n")
  }

  @Test func `transport white space and soft breaks are removed`() {
    #expect(Mails.message(Mails.full).plainBody?.text == "Grüße an alle\r\n")
  }

  @Test func `an embedded mail keeps its exact bytes and is parsed`() {
    let mail = Mails.message(Mails.full)
    let part = mail.attachments[2]
    // The last line break belongs to the following delimiter.
    #expect(part.bytes == Mails.bytes(Mails.inner).dropLast(2))
    #expect(part.parts.map(\.id) == ["2.0"])
    #expect(part.embedded?.parts.map(\.id) == ["2.0", "2.0.0", "2.0.1"])
    #expect(part.embedded?.from == [MailAddress(name: "Jörg", "joerg@example.org")])
    #expect(part.embedded?.plainBody?.text == "inner text")
    #expect(mail.plainBody?.id == "0.0.0")
    #expect(mail.allAttachments.count == 3)
  }

  @Test func `Gmail's payload gives the same result`() throws {
    let raw = Mails.message(Mails.full)
    var writer = JSONWriter()
    GmailShape.write(raw.root, to: &writer)
    let mail = try #require(MailMessage(gmailPayload: JSON.parse(writer.bytes)))
    #expect(mail.parts.map(\.id) == raw.parts.map(\.id))
    #expect(mail.parts.map(\.mediaType) == raw.parts.map(\.mediaType))
    #expect(mail.subject == "Übersicht")
    #expect(mail.to.map(\.address) == ["a@example.org", "b@example.org"])
    #expect(mail.plainBody?.text == raw.plainBody?.text)
    #expect(mail.attachments.map(\.fileName) == ["dot.png", "Übersicht.pdf", nil])
    #expect(mail.attachments.map(\.attachmentID) == ["att0.1", "att1", "att2"])
    #expect(mail.attachments.map(\.bytes) == [nil, nil, nil])
    #expect(mail.attachments[2].embedded?.plainBody?.text == "inner text")
  }

  @Test func `a value that is not a payload is rejected`() throws {
    #expect(MailMessage(gmailPayload: try JSON.parse("[]")) == nil)
    let mail = try #require(MailMessage(gmailPayload: JSON.parse("{}")))
    #expect(mail.plainBody?.text == "")
  }

  @Test(arguments: [
    ("no header at all", [""], ["text/plain"]),
    ("only a body", ["no header here", "more"], ["text/plain"]),
    ("no boundary", ["Content-Type: multipart/mixed", "", "--x", "", "a"], ["multipart/mixed"]),
    (
      "a boundary that never comes", ["Content-Type: multipart/mixed; boundary=x", "", "text"],
      ["multipart/mixed"]
    ),
    (
      "truncated in a part",
      ["Content-Type: multipart/mixed; boundary=x", "", "--x", "Content-Type: text/html", "", "a"],
      ["multipart/mixed", "text/html"]
    ),
    (
      "truncated in a header",
      ["Content-Type: multipart/mixed; boundary=x", "", "--x", "Content-Type: text/html"],
      ["multipart/mixed", "text/html"]
    ),
    (
      "a delimiter in a header",
      ["Content-Type: multipart/mixed; boundary=x", "", "--x", "A: b", "--x", "", "c", "--x--"],
      ["multipart/mixed", "text/plain", "text/plain"]
    ),
    (
      "an inner multipart that is not ended",
      [
        "Content-Type: multipart/mixed; boundary=x", "", "--x",
        "Content-Type: multipart/mixed; boundary=y", "", "--y", "", "a", "--x", "", "b", "--x--",
      ], ["multipart/mixed", "multipart/mixed", "text/plain", "text/plain"]
    ),
    (
      "one boundary for two",
      [
        "Content-Type: multipart/mixed; boundary=x", "", "--x",
        "Content-Type: multipart/mixed; boundary=x", "", "--x", "", "a", "--x--", "--x", "", "b",
      ], ["multipart/mixed", "multipart/mixed", "text/plain", "text/plain"]
    ),
    ("a type that is none", ["Content-Type: text", "", "a"], ["text/plain"]),
  ])
  func `malformed mail is read as far as possible`(
    name: String, lines: [String], types: [String]
  ) {
    let mail = Mails.message(lines)
    #expect(mail.parts.map(\.mediaType.description) == types, "\(name)")
  }

  @Test func `a multipart that cannot be parsed is text`() {
    let mail = Mails.message(["Content-Type: multipart/mixed", "", "all", "of it"])
    #expect(mail.plainBody?.text == "all\r\nof it\r\n")
    #expect(mail.attachments.isEmpty)
  }

  @Test func `a mail beyond a limit is read and marked as truncated`() {
    var limits = MailLimits()
    limits.nesting = 3
    limits.parts = 50
    limits.headers = 1_000
    let nested = (0..<10).flatMap {
      ["Content-Type: multipart/mixed; boundary=b\($0)", "", "--b\($0)"]
    }
    let deep = MailMessage(reading: Mails.bytes(nested), limits: limits)
    #expect(deep.isTruncated)
    #expect(deep.parts.count == 4)
    let many =
      ["Content-Type: multipart/mixed; boundary=x", ""]
      + Array(repeating: ["--x", "", "a"], count: 100).flatMap { $0 }
    let wide = MailMessage(reading: Mails.bytes(many), limits: limits)
    #expect(wide.isTruncated)
    #expect(wide.parts.count == 50)
    let fields = MailMessage(
      reading: Mails.bytes(Array(repeating: "A: b", count: 2_000)), limits: limits)
    #expect(fields.isTruncated)
    #expect(fields.headers.count == 1_000)
  }

  @Test func `embedded mails count against the limit, also encoded ones`() {
    var bytes = Array("Subject: last\r\n\r\nend".utf8)
    for _ in 0..<20 {
      bytes =
        Array("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n".utf8)
        + Array(Base64.encode(bytes).utf8)
    }
    var limits = MailLimits()
    limits.nesting = 5
    let mail = MailMessage(reading: bytes, limits: limits)
    #expect(mail.isTruncated)
    var depth = 0
    var inner = mail.root.embedded
    while let next = inner {
      depth += 1
      inner = next.root.embedded
    }
    #expect(depth == 5)
  }
}

/// Writes a tree in Gmail's format, by its documentation.
enum GmailShape {
  static func write(_ part: MailPart, to writer: inout JSONWriter) {
    let isText = part.mediaType.isText && part.fileName == nil
    writer.object { writer in
      writer.member("partId", part.id)
      writer.member("mimeType", part.mediaType.description)
      writer.member("filename", part.fileName ?? "")
      writer.name("headers")
      writer.array { writer in
        for header in part.headers {
          writer.object { writer in
            writer.member("name", header.name)
            writer.member("value", header.value)
          }
        }
      }
      writer.name("body")
      writer.object { writer in
        if isText {
          writer.member("data", Base64.encode(part.bytes ?? [], alphabet: .urlSafe))
        } else if !part.mediaType.isMultipart {
          writer.member("attachmentId", "att" + part.id)
        }
      }
      guard !part.parts.isEmpty else { return }
      writer.name("parts")
      writer.array { writer in
        for inner in part.parts { write(inner, to: &writer) }
      }
    }
  }
}
