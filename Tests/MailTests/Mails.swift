import Mail

/// Sample mails in common forms.
enum Mails {
  static func message(_ lines: [String], lineBreak: String = "\r\n") -> MailMessage {
    MailMessage(reading: bytes(lines, lineBreak: lineBreak))
  }

  static func bytes(_ lines: [String], lineBreak: String = "\r\n") -> [UInt8] {
    Array(lines.map { $0 + lineBreak }.joined().utf8)
  }

  static let inner = [
    "From: =?utf-8?q?J=C3=B6rg?= <joerg@example.org>", "Subject: inner", "MIME-Version: 1.0",
    "Content-Type: multipart/alternative; boundary=in", "",
    "--in", "Content-Type: text/plain", "", "inner text",
    "--in", "Content-Type: text/html", "", "<p>inner text</p>", "--in--",
  ]

  /// A text with an inline image, a file and a forwarded mail.
  static let full =
    [
      "From: \"Doe, Jane\" <jane@example.org>", "To: team: a@example.org, b@example.org;",
      "Subject: =?utf-8?B?w5xiZXI=?= =?utf-8?B?c2ljaHQ=?=",
      "Date: Fri, 20 Nov 2026 13:00:00 +0100", "Message-ID: <1@example.org>",
      "MIME-Version: 1.0", "Content-Type: multipart/mixed;", "\tboundary=\"out er\"", "",
      "This is the preamble.", "",
      "--out er", "Content-Type: multipart/related; boundary=rel", "",
      "--rel", "Content-Type: multipart/alternative; boundary=alt", "",
      "--alt", "Content-Type: text/plain; charset=iso-8859-1",
      "Content-Transfer-Encoding: quoted-printable", "", "Gr=FC=DFe =", "an alle  ", "",
      "--alt", "Content-Type: text/html; charset=utf-8", "Content-Transfer-Encoding: base64", "",
      "PHA+R3LDvMOfZTwvcD4", "--alt--",
      "--rel", "Content-Type: image/png; name=dot.png", "Content-ID: <dot@example.org>",
      "Content-Disposition: inline", "Content-Transfer-Encoding: base64", "", "iVBORw==",
      "--rel--",
      "--out er", "Content-Type: application/pdf",
      "Content-Disposition: ATTACHMENT; filename*0*=utf-8''%C3%9Cber; filename*1=sicht.pdf", "",
      "%PDF", "--out er", "Content-Type: message/rfc822", "Content-Disposition: attachment", "",
    ] + inner + ["--out er--", "This is the epilogue."]
}
