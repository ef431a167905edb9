import Basics
import Mail
import TestSupport
import Testing

/// Corrupted mails: reading must terminate and return a result.
@Suite struct MutationTests {
  /// Our sample mails, and those of the public suite if it is present.
  static let seeds: [[UInt8]] =
    [Mails.bytes(Mails.full), Mails.bytes(Mails.inner)] + (ParserSuite.cases ?? []).map(\.source)

  private static let pieces = [
    "\r", "\n", "\r\n", "\0", "--", "=", "=?", "?=", "=?utf-8?b?", "\"", "(", ")", "<", ">", ":",
    ";",
    ",", "*0*=", "''", "%", "\u{FEFF}", "Content-Type: message/rfc822\r\n\r\n",
    "Content-Transfer-Encoding: base64\n", "Content-Type: multipart/mixed; boundary=a\n\n--a\n",
    "; charset=utf-16", "; charset=iso-2022-jp", "; charset=gb18030", "\n\n", " \n", "\t",
  ].map { Array($0.utf8) }

  @Test(.timeLimit(.minutes(1)), arguments: UInt64(0)..<1_000)
  func `a corrupted mail is read to its end`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var bytes = random.pick(Self.seeds)
    for _ in 0..<random.pick(1...12) where !bytes.isEmpty {
      let at = random.pick(0...bytes.count - 1)
      switch random.pick(0...4) {
      case 0: bytes[at] = UInt8(random.pick(0...255))
      case 1: bytes.insert(contentsOf: random.pick(Self.pieces), at: at)
      case 2: bytes.removeSubrange(at..<min(bytes.count, at + random.pick(1...40)))
      case 3: bytes.removeLast(min(bytes.count - 1, random.pick(1...200)))
      default: bytes += bytes[at..<min(bytes.count, at + 300)]
      }
    }
    Reader.readAll(MailMessage(reading: bytes), of: bytes)
  }

  /// Texts that make a naive reader quadratic or exhaust its stack.
  @Test(
    .timeLimit(.minutes(1)),
    arguments: [
      "(", "\"", "<", "=?utf-8?q?", "=?a?q?<", ",:", "@::", "a=b;", "*0*=", "--", "A: b\n", " \n",
      "\\", "a@b,",
      "=?x?b?a?= ", "Content-Type: message/rfc822\n\n",
      "Content-Type: multipart/mixed; boundary=a\n\n--a\n",
      "--a\n", "\n--a--\n", "AA==\n", "AA==", "=\n", "&", "<a>", "<a href=", "<!--", "\r", "\0",
    ])
  func `a repeated piece is read to its end`(piece: String) {
    let body = String(repeating: piece, count: 5_000)
    for head in [
      "", "From: ", "Subject: ", "Date: ", "Content-Type: multipart/mixed; boundary=a",
      "Content-Type: multipart/mixed; boundary=a\n\n", "Content-Type: ",
      "Content-Disposition: attachment; filename=", "Content-Transfer-Encoding: base64\n\n",
      "Content-Transfer-Encoding: quoted-printable\n\n",
    ] {
      let bytes = Array((head + body).utf8)
      Reader.readAll(MailMessage(reading: bytes), of: bytes)
    }
    _ = HTMLText.plain(body)
    _ = HTMLText.isLikely(body)
  }

  enum Reader {
    /// Reads every part and compares its bytes with the mail.
    static func readAll(_ mail: MailMessage, of source: [UInt8]) {
      let limits = MailLimits()
      #expect(mail.parts.count <= limits.parts)
      #expect(Set(mail.parts.map(\.id)).count == mail.parts.count)
      _ = (mail.subject, mail.date, mail.to, mail.plainBody?.text, mail.htmlBody?.text)
      for header in mail.headers {
        _ = (header.value, header.addressList, header.parameterized)
        #expect(header.raw.endIndex <= source.count)
      }
      for part in mail.parts {
        _ = (part.fileName, part.contentID, part.text)
        #expect(part.bytes != nil)
      }
      var inner = mail.allAttachments.compactMap(\.embedded)[...]
      while let next = inner.popFirst() { _ = (next.subject, next.plainBody?.text) }
    }
  }
}
