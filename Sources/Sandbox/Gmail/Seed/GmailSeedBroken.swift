/// Malformed mail, as it occurs in practice.
enum GmailSeedBroken {
  static var mails: [[UInt8]] { [cut, headless, spoilt, noDate, doubled, empty, escapes] }

  private static func head(_ key: String, _ subject: String) -> [SeedMail.Header] {
    GmailSeedTriage.head(key, subject, from: "Scanner <scanner@outside.example>")
  }

  /// Truncated in its second part.
  private static var cut: [UInt8] {
    let whole = SeedMail.multipart(
      "mixed", "cut-1",
      [
        .text("The scan follows.\r\n"),
        .file("scan.pdf", "application/pdf", Array(String(repeating: "page ", count: 60).utf8)),
      ], headers: head("cut", "Scan, cut off"))
    return Array(whole.bytes.dropLast(120))
  }

  /// A line that is not a header ends the headers, and lines end with LF only.
  private static var headless: [UInt8] {
    Array(
      """
      From: broken@outside.example
      To: soc@harbor.example
      Subject: No blank line
      Message-ID: <headless@triage.example>
      This line is no header, so the text begins here.
      So it goes on.

      """.utf8)
  }

  /// Base64 with invalid characters, a boundary that never occurs, an unknown character set.
  private static var spoilt: [UInt8] {
    SeedMail.multipart(
      "mixed", "spoilt-1",
      [
        SeedMail(
          [
            ("Content-Type", "text/plain; charset=x-unknown-9"),
            ("Content-Transfer-Encoding", "base64"),
          ], "VGhl\u{7E}IHRleHQ*gaXMg\r\nc3BvaWx0Lg"),
        SeedMail(
          [("Content-Type", "multipart/alternative; boundary=\"never\"")], "No parts here.\r\n"),
        SeedMail([("Content-Type", "garbage")], "Of no type.\r\n"),
      ], headers: head("spoilt", "=?x-unknown-9?B?????= spoilt")
    ).bytes
  }

  private static var noDate: [UInt8] {
    SeedMail.text("When was this?\r\n").with(
      head("nodate", "No date").filter { $0.name != "Date" }
    ).bytes
  }

  private static var doubled: [UInt8] {
    SeedMail.multipart(
      "MIXED", "dbl-1",
      [
        SeedMail(
          [("CONTENT-TYPE", "TEXT/PLAIN; CHARSET=us-ascii")], "Spelt in capitals.\r\n"),
        SeedMail(
          [
            ("CONTENT-TYPE", "APPLICATION/OCTET-STREAM; NAME=TOOL.BIN"),
            ("CONTENT-DISPOSITION", "ATTACHMENT; FILENAME=TOOL.BIN"),
            ("CONTENT-TRANSFER-ENCODING", "BASE64"),
          ], "AAECAwQFBgc=\r\n"),
      ],
      headers: [
        ("from", "Shouter <shouter@outside.example>"), ("TO", "soc@harbor.example"),
        ("CC", "nils@harbor.example"), ("Cc", "fiona@harbor.example"),
        ("Subject", "First subject"), ("Subject", "Second subject"),
        ("Message-Id", "<doubled@triage.example>"), ("Date", "yesterday, or so"),
      ]
    ).bytes
  }

  private static var empty: [UInt8] {
    Array(
      "From: nobody@outside.example\r\nTo: soc@harbor.example\r\nMessage-ID: <empty@triage.example>\r\n\r\n"
        .utf8)
  }

  private static var escapes: [UInt8] {
    SeedMail.text("Tom & Jerry's <script>alert(\"x\")</script> test\r\n").with(
      head("escapes", "Tom & Jerry's \"test\" <b>")
    ).bytes
  }
}
