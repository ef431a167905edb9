/// Mail in character sets other than UTF-8.
enum GmailSeedCharsets {
  static var mails: [[UInt8]] { [latin, shiftJIS, utf16, rfc2231] }

  private static var latin: [UInt8] {
    let text = "Pr\u{FC}fung der \u{C4}nderung f\u{FC}r 5 \u{A3}.\r\n"
    return SeedMail(
      GmailSeedTriage.head("latin", "=?ISO-8859-1?Q?Pr=FCfung_der_=C4nderung?=")
        + [
          ("Content-Type", "text/plain; charset=ISO-8859-1"), ("Content-Transfer-Encoding", "8bit"),
        ],
      body: text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
    ).bytes
  }

  /// セキュリティ通知: ご確認ください。 The subject consists of two Base64 encoded words.
  private static var shiftJIS: [UInt8] {
    let text: [UInt8] = [
      0x83, 0x5A, 0x83, 0x4C, 0x83, 0x85, 0x83, 0x8A, 0x83, 0x65, 0x83, 0x42,
      0x92, 0xCA, 0x92, 0x6D, 0x3A, 0x20, 0x82, 0xB2, 0x8A, 0x6D, 0x94, 0x46,
      0x82, 0xAD, 0x82, 0xBE, 0x82, 0xB3, 0x82, 0xA2, 0x81, 0x42,
    ]
    return SeedMail(
      GmailSeedTriage.head(
        "shiftjis", "=?Shift_JIS?B?g1qDTIOFg4qDZYNC?=\r\n =?Shift_JIS?B?ksqSbQ==?=")
        + [
          ("Content-Type", "text/plain; charset=\"Shift_JIS\""),
          ("Content-Transfer-Encoding", "8bit"),
        ], body: text + [0x0D, 0x0A]
    ).bytes
  }

  /// Übersicht – 概要, with a byte order mark.
  private static var utf16: [UInt8] {
    SeedMail(
      GmailSeedTriage.head("utf16", "=?UTF-8?B?w5xiZXJzaWNodCDigJMg5qaC6KaB?=")
        + [
          ("Content-Type", "text/plain; charset=utf-16"), ("Content-Transfer-Encoding", "base64"),
        ],
      "//7cAGIAZQByAHMAaQBjAGgAdAAgABMgIACCaYGJ\r\n"
    ).bytes
  }

  /// File names with continuations and other character sets, and one in an encoded word.
  private static var rfc2231: [UInt8] {
    let pdf = Array("%PDF-1.4\n".utf8)
    return SeedMail.multipart(
      "mixed", "mix-6",
      [
        .text("Three files.\r\n"),
        SeedMail(
          [
            ("Content-Type", "application/pdf"),
            ("Content-Disposition", "attachment; filename*=UTF-8''%E2%82%AC%20rates.pdf"),
          ], body: pdf),
        SeedMail(
          [
            ("Content-Type", "application/pdf"),
            (
              "Content-Disposition",
              "attachment;\r\n filename*0*=ISO-8859-1''Pr%FCf;\r\n filename*1=\"bericht.pdf\""
            ),
          ], body: pdf),
        .file("=?UTF-8?B?6LOH5paZLnBkZg==?=", "application/pdf", pdf),
      ], headers: GmailSeedTriage.head("rfc2231", "Names of files")
    ).bytes
  }
}
