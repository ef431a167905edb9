import Basics
import Mail
import TestSupport
import Testing

@Suite struct DecodingTests {
  private func text(_ charset: String, _ encoding: String, _ body: [UInt8]) -> String? {
    let head =
      "Content-Type: text/plain; charset=\(charset)\r\nContent-Transfer-Encoding: \(encoding)\r\n\r\n"
    return MailMessage(reading: Array(head.utf8) + body).plainBody?.text
  }

  @Test(arguments: [
    ("a=3Db", "a=b"), ("a=3db", "a=b"), ("a=\r\nb", "ab"), ("a= \t\r\nb", "ab"), ("a=\nb", "ab"),
    ("a =20\r\nb", "a  \r\nb"), ("a \t\r\nb", "a\r\nb"), ("a=", "a"), ("a=4", "a=4"),
    ("a=xyb", "a=xyb"), ("=C3=A4", "ä"), ("==41", "=A"), ("a  ", "a"), ("\r\n=", "\r\n"),
  ])
  func `quoted-printable is decoded`(encoded: String, decoded: String) {
    #expect(text("utf-8", "quoted-printable", Array(encoded.utf8)) == decoded)
  }

  @Test(arguments: [
    ("aGVsbG8=", "hello"), ("aGVsbG8", "hello"), ("aGVs\r\nbG8=\r\n", "hello"),
    ("aG!V*s bG8=", "hello"), ("aGVsbG8=\r\n______________________________\r\nfooter", "hello"),
    ("aGVsbG8=\r\nYWJj", "helloabc"), ("aGVsbG8=\r\nYWI=\r\nYWJj\r\n", "helloababc"), ("", ""),
    ("=", ""), ("a", ""), ("8J+Pow==", "🏣"), ("8J-Pow", "🏣"), ("aGVsbG8= ignored", "hello"),
  ])
  func `Base64 is decoded in all forms seen in mail`(encoded: String, decoded: String) {
    #expect(text("utf-8", "Base64 ", Array(encoded.utf8)) == decoded)
  }

  /// Decodes digit by digit; ends at the first padding.
  private func decodedSlowly(_ text: [UInt8]) -> [UInt8] {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var decoded: [UInt8] = []
    var (bits, count) = (0, 0)
    for byte in text {
      let standard = byte == UInt8(ascii: "-") ? UInt8(ascii: "+") : byte
      let digit = standard == UInt8(ascii: "_") ? UInt8(ascii: "/") : standard
      guard let value = digits.firstIndex(of: digit) else { continue }
      (bits, count) = ((bits << 6 | value) & 0xFFFF, count + 6)
      if count >= 8 {
        count -= 8
        decoded.append(UInt8(truncatingIfNeeded: bits >> count))
      }
    }
    return decoded
  }

  @Test func `Base64 is decoded in groups as it is digit by digit`() {
    var random = SeededGenerator(seed: 20)
    let letters = Array("ABCDabcd0189+/-_".utf8)
    let others: [UInt8] = [0x0D, 0x0A, 0x20, 0x00, 0x80, 0xFF, UInt8(ascii: "!")]
    for length in 0..<400 {
      let text = (0..<length).map { _ in
        Int.random(in: 0..<40, using: &random) == 0
          ? others.randomElement(using: &random)! : letters.randomElement(using: &random)!
      }
      let expected = decodedSlowly(text)
      #expect(LenientBase64.decode(text) == expected)
      let start = Int.random(in: 0..<9, using: &random)
      var inPlace = [UInt8](repeating: 0x41, count: start) + text + [0x41, 0x41]
      LenientBase64.decode(&inPlace, at: start..<(start + length))
      #expect(inPlace == expected)
    }
  }

  @Test(
    arguments: [
      ("utf-8", [0xC3, 0xA4, 0xFF], "ä\u{FFFD}"), ("\"UTF-8\"", [0xEF, 0xBB, 0xBF, 0x61], "a"),
      ("us-ascii", [0xC3, 0xA4], "ä"), ("ISO-8859-1", [0xE4, 0x80], "ä€"),
      ("iso-8859-15", [0xA4], "€"), ("latin1", [0xE4], "ä"), ("iso_8859-2", [0xB1], "ą"),
      ("windows-1251", [0xC0], "А"), ("CP1252", [0x93], "“"), ("koi8-r", [0xC1], "а"),
      ("iso-8859-8-i", [0xE0], "א"), ("utf-16", [0xFF, 0xFE, 0x61, 0], "a"),
      ("utf-16", [0xFE, 0xFF, 0, 0x61], "a"), ("utf-16", [0, 0x61], "a"),
      ("utf-16", [0x61, 0, 0x62, 0], "ab"), ("utf-16le", [0x61, 0, 0x62], "a\u{FFFD}"),
      ("utf-16be", [0xD8, 0], "\u{FFFD}"), ("gb2312", [0xC4, 0xE3], "你"),
      ("shift_jis", [0x93, 0xFA], "日"), ("iso-2022-jp", [0x1B, 0x24, 0x42, 0x46, 0x7C], "日"),
      ("big5", [0xA7, 0x41], "你"), ("ks_c_5601-1987", [0xC7, 0xD1], "한"),
      ("euc-jp", [0xC6, 0xFC, 0xFF, 0x61], "日\u{FFFD}a"),
      ("no-such-thing", [0x61, 0xFF], "a\u{FFFD}"), ("utf-8//TRANSLIT", [0x61], "a"),
      ("../../etc", [0x61], "a"), ("ISO-2022-CN-EXT", [0x61], "a"),
      ("UTF-7", [0x2B, 0x41, 0x4F, 0x51, 0x2D], "ä"),
    ] as [(String, [UInt8], String)])
  func `character sets are decoded`(charset: String, bytes: [UInt8], decoded: String) {
    #expect(text(charset, "binary", bytes) == decoded)
    #expect(Charset.decode(bytes, named: charset.replacing("\"", with: "")) == decoded)
  }

  @Test(arguments: [
    ("attachment; filename=a.txt", "a.txt"), ("attachment; filename=\"a b.txt\"", "a b.txt"),
    ("attachment; filename=a b.txt", "a b.txt"), ("attachment; filename=\"a\\\"b\"", "a\"b"),
    ("attachment; filename=\"C:\\new\\a.txt\"", "C:\\new\\a.txt"),
    ("attachment; filename=\"a;b.txt\"; size=3", "a;b.txt"),
    ("attachment; filename*=utf-8''%E2%82%AC%20.txt", "€ .txt"),
    ("attachment; filename*=UTF-8'de'%C3%A4.txt; filename=a.txt", "ä.txt"),
    ("attachment; filename=a.txt; filename*=iso-8859-1''%E4.txt", "ä.txt"),
    ("attachment; filename*0=a; filename*1=b; filename*2=c.txt", "abc.txt"),
    ("attachment; filename*2=c.txt; filename*0=a; filename*1=b", "abc.txt"),
    ("attachment; filename*0*=utf-8''%C3; filename*1*=%A4.txt", "ä.txt"),
    ("attachment; filename*0*=utf-8''%C3%A4; filename*1=\"%20.txt\"", "ä%20.txt"),
    ("attachment; filename*0=a; filename*2=c", "a"), ("attachment; filename*=%41.txt", "A.txt"),
    ("attachment; filename=\"=?utf-8?B?w6QudHh0?=\"", "ä.txt"),
    ("attachment; filename==?utf-8?Q?=C3=A4.txt?=", "ä.txt"),
    ("attachment;\r\n filename=\"=?utf-8?Q?=C3?=\r\n =?utf-8?Q?=A4.txt?=\"", "ä.txt"),
    ("attachment; FileName = a.txt ; size=1", "a.txt"), ("attachment; filename=\"ä.txt\"", "ä.txt"),
    ("attachment (a; filename=b); filename=a.txt", "a.txt"),
    ("attachment; filename=\"a.txt", "a.txt"),
    ("attachment; filename=a.txt (comment)", "a.txt"),
    ("attachment; filename=a(1).txt", "a(1).txt"),
    ("attachment; filename=a (1).txt", "a (1).txt"),
  ])
  func `file names are decoded`(disposition: String, name: String) {
    let mail = MailMessage(reading: Array("Content-Disposition: \(disposition)\r\n\r\nx".utf8))
    #expect(mail.attachments.first?.fileName == name)
  }

  @Test(arguments: [
    ("=?utf-8?q?a?= =?no-such?q?b?= =?utf-8?q?c?=", "a =?no-such?q?b?= c"),
    ("=?utf-8?q?=C3?= =?utf-8?q?=A4?=", "ä"), ("=?utf-8?b?ww==?= =?utf-8?B?pA?=", "ä"),
    ("=?utf-8?x?a?=", "=?utf-8?x?a?="), ("=?utf-8?q?a", "=?utf-8?q?a"),
    ("=?utf-8?q??=", ""), ("a =?utf-8*en?q?b?= c", "a b c"), ("=??q?a?=", "=??q?a?="),
    ("=?iso-2022-jp?b?GyRCRnwbKEI=?=", "日"),
  ])
  func `encoded words are decoded`(encoded: String, decoded: String) {
    #expect(MailMessage(reading: Array("Subject: \(encoded)\n\n".utf8)).subject == decoded)
  }

  @Test(
    arguments: [
      ("Fri, 20 Nov 2026 12:00:00 +0000", "2026-11-20T12:00:00Z"),
      ("20 Nov 2026 12:00 -0130", "2026-11-20T13:30:00Z"),
      ("20 Nov 26 12:00 GMT", "2026-11-20T12:00:00Z"),
      ("31 Feb 2026 12:00:00 +0000", nil), ("20 Nov 2026", nil), ("", nil), ("now", nil),
      ("20 Nov 2026 24:00:00 +0000", nil), ("20 Nov 2026 23:59:60 +0000", "2026-11-21T00:00:00Z"),
      ("20 Nov 2026 12:00:00 PST", "2026-11-20T20:00:00Z"),
      ("99999999999999999999 Nov 2026 12:00:00 +0000", nil),
    ] as [(String, String?)])
  func `dates are read`(text: String, time: String?) {
    #expect(MailDate(text)?.timestamp.rfc3339 == time)
  }

  @Test(arguments: [
    (0, "Thu, 1 Jan 1970 00:00:00 +0000"), (-330, "Wed, 31 Dec 1969 18:30:00 -0530"),
  ])
  func `dates are written by RFC 5322`(offset: Int, text: String) {
    let date = MailDate(Timestamp(millisecondsSince1970: 0), offsetMinutes: offset)
    #expect(date.rfc5322 == text)
    #expect(MailDate(text) == date)
  }
}
