import Basics
import Mail
import TestSupport
import Testing

@Suite struct BuildingTests {
  private static func mail(_ change: (inout MailBuilder) -> Void) -> MailBuilder {
    var mail = MailBuilder(from: MailAddress("me@example.org"), subject: "Hello")
    mail.to = [MailAddress("you@example.org")]
    mail.date = MailDate(Timestamp(millisecondsSince1970: 1_795_176_000_000))
    mail.messageID = "<1@example.org>"
    mail.text = "Hello.\nBye."
    change(&mail)
    return mail
  }

  private static func written(_ mail: MailBuilder) throws -> String {
    String(decoding: try mail.build(), as: UTF8.self)
  }

  @Test func `a short mail is readable plain text`() throws {
    let mail = Self.mail { mail in
      mail.bcc = [MailAddress(name: "Zoë Queen", "zoe@example.org")]
      mail.cc = [MailAddress(name: "Doe, John", "john@example.org")]
    }
    #expect(
      try Self.written(mail) == """
        From: me@example.org\r
        To: you@example.org\r
        Cc: "Doe, John" <john@example.org>\r
        Bcc: =?UTF-8?Q?Zo=C3=AB_Queen?= <zoe@example.org>\r
        Subject: Hello\r
        Date: Fri, 20 Nov 2026 12:00:00 +0000\r
        Message-ID: <1@example.org>\r
        MIME-Version: 1.0\r
        Content-Type: text/plain; charset=us-ascii\r
        Content-Transfer-Encoding: 7bit\r
        \r
        Hello.\r
        Bye.
        """)
  }

  static let injections: [(String, MailBuilder)] = ["\r\nBcc: x@evil.test", "\n", "\r", "\0"]
    .flatMap {
      evil -> [(String, MailBuilder)] in
      [
        ("Subject", mail { $0.subject = "a" + evil }),
        ("From", mail { $0.from.name = "a" + evil }),
        ("From", mail { $0.from.address = "a@example.org" + evil }),
        ("To", mail { $0.to = [MailAddress(name: evil, "a@example.org")] }),
        ("Cc", mail { $0.cc = [MailAddress("a\(evil)@example.org")] }),
        ("Bcc", mail { $0.bcc = [MailAddress("a@exa\(evil)mple.org")] }),
        ("Reply-To", mail { $0.replyTo = [MailAddress(evil)] }),
        ("Message-ID", mail { $0.messageID = "<a\(evil)@b>" }),
        (
          "attachment 1",
          mail { $0.attachments = [MailAttachment(fileName: "a" + evil, bytes: [])] }
        ),
        (
          "attachment 1",
          mail {
            $0.attachments = [MailAttachment(fileName: "a", contentType: "a/b" + evil, bytes: [])]
          }
        ),
        (
          "attachment 1",
          mail {
            $0.attachments = [MailAttachment(fileName: "a", bytes: [], contentID: "a" + evil)]
          }
        ),
      ]
    }

  @Test(arguments: 0..<injections.count)
  func `a line break in a value is rejected with the field name`(position: Int) {
    let (field, mail) = Self.injections[position]
    #expect(throws: MailBuildError.self) { try mail.build() }
    do { _ = try mail.encodedSize() } catch { #expect(error.field == field) }
  }

  @Test(arguments: [
    ("a@example.org", true), ("a.b+c@example.org", true), ("\"a b\"@example.org", true),
    ("\"a\\\"b\"@example.org", true), ("a@[127.0.0.1]", true), ("a@localhost", true),
    ("jörg@müller.example", true), ("o'neil@example.org", true), ("", false), ("a", false),
    ("@example.org", false), ("a@", false), ("a@b@c", false), ("a b@example.org", false),
    (".a@example.org", false), ("a..b@example.org", false), ("a.@example.org", false),
    ("a@-b.org", false), ("a@b-.org", false), ("a@b..org", false), ("a@b_c.org", false),
    ("<a@example.org>", false), ("a@example.org>", false), ("a@example.org, b@example.org", false),
    ("A <a@example.org>", false), ("a@exam ple.org", false), ("\"a\"b\"@example.org", false),
    ("\"a\\\"@example.org", false), ("a\u{202E}@example.org", false), ("a@b\u{200B}.org", false),
    (String(repeating: "a", count: 65) + "@example.org", false),
    ("a@" + String(repeating: "b", count: 64) + ".org", false),
    ("a@" + String(repeating: "bc.", count: 90) + "org", false),
  ])
  func `addresses are validated`(address: String, isRight: Bool) {
    let mail = Self.mail { $0.cc = [MailAddress(address)] }
    if isRight {
      #expect(throws: Never.self) { try mail.build() }
    } else {
      do {
        _ = try mail.build()
        Issue.record("accepted: \(address)")
      } catch {
        #expect(error.field == "Cc")
        #expect(address.utf8.count < 3 || !error.description.contains(address))
      }
    }
  }

  static let refusals: [(String, MailBuilder)] = [
    ("To", mail { $0.to = [] }),
    ("Message-ID", mail { $0.messageID = "a@b" }),
    (
      "attachment 2",
      mail {
        $0.attachments = [
          MailAttachment(fileName: "a", bytes: []),
          MailAttachment(fileName: "a", contentType: "multipart/mixed", bytes: []),
        ]
      }
    ),
    (
      "attachment 1",
      mail { $0.attachments = [MailAttachment(fileName: "a", contentType: "a", bytes: [])] }
    ),
  ]

  @Test(arguments: 0..<refusals.count)
  func `an invalid mail is rejected with the field name`(position: Int) {
    let (field, mail) = Self.refusals[position]
    do {
      _ = try mail.build()
      Issue.record("accepted: \(field)")
    } catch {
      #expect(error.field == field)
    }
  }

  @Test(arguments: [
    ("jo@example.org", nil, "jo@example.org"),
    ("Jo Doe <jo@example.org>", "Jo Doe", "jo@example.org"),
    ("\"Doe, Jo\" <jo@example.org>", "Doe, Jo", "jo@example.org"),
    ("Jörg <jo@exämple.org>", "Jörg", "jo@xn--exmple-cua.org"),
    ("<jo@example.org>", nil, "jo@example.org"), (" jo@example.org\t", nil, "jo@example.org"),
    ("Jo (CORP) <jo@example.org>", "Jo (CORP)", "jo@example.org"),
    (#""Doe, \"Jo\"" (a (b), c) <jo@example.org>"#, #"Doe, "Jo" (a (b), c)"#, "jo@example.org"),
  ])
  func `a mailbox is parsed`(text: String, name: String?, address: String) throws {
    let mailbox = try MailAddress(checking: text)
    #expect(mailbox.name == name)
    #expect(mailbox.address == address)
  }

  @Test(arguments: [
    "", "jo", "jo@", "@example.org", "jo@example..org", "jo@example.org, al@example.org",
    "Jo <jo@example.org", "Jo <al@example.org> <jo@example.org>", "<jo@example.org> Jo",
    "G: jo@example.org;", "al@example.org <jo@example.org>, <jo@example.org>",
    "Jo <jo@example.org>\r\nBcc: al@example.org",
  ])
  func `a text that is not one mailbox is rejected`(text: String) {
    #expect(throws: MailBuildError.self) { try MailAddress(checking: text) }
  }

  @Test func `HTML gets a plain alternative, and attachments make the mail mixed`() throws {
    let mail = Self.mail { mail in
      mail.text = nil
      mail.html = "<p>Hi &amp; <b>bye</b></p><img src=\"cid:i@x\">"
      mail.attachments = [
        MailAttachment(fileName: "i.png", contentType: "image/png", bytes: [1], contentID: "i@x"),
        MailAttachment(fileName: "a.bin", bytes: [0, 1, 2]),
      ]
    }
    let read = MailMessage(reading: try mail.build())
    #expect(
      read.parts.map(\.mediaType.description) == [
        "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html",
        "image/png", "application/octet-stream",
      ])
    #expect(read.plainBody?.text == "Hi & bye")
    #expect(read.attachments.map(\.isInline) == [true, false])
    #expect(read.attachments.map(\.fileName) == ["i.png", "a.bin"])
  }

  @Test func `a 7-bit mail is attached as a mail, any other as a file`() throws {
    let clean = Array("Subject: a\r\n\r\nb\r\n".utf8)
    for (bytes, type) in [
      (clean, "message/rfc822"), (Array("Subject: a\n\nb\n".utf8), "application/octet-stream"),
      (Array("Subject: ä\r\n\r\n".utf8), "application/octet-stream"),
      (Array(repeating: UInt8(ascii: "a"), count: 2_000), "application/octet-stream"),
    ] {
      let mail = Self.mail {
        $0.attachments = [
          MailAttachment(fileName: "a.eml", contentType: "message/rfc822", bytes: bytes)
        ]
      }
      let attachment = try #require(MailMessage(reading: mail.build()).attachments.first)
      #expect(attachment.mediaType.description == type)
      #expect(attachment.bytes == bytes)
    }
  }

  @Test func `a boundary that occurs in the content is not used`() throws {
    let tokens = Tokens(["taken", "taken", "free", "other", "more"])
    let mail = Self.mail { mail in
      mail.makeToken = { tokens.next() }
      mail.attachments = [
        MailAttachment(
          fileName: "a.eml", contentType: "message/rfc822",
          bytes: Array("Subject: a\r\n\r\n--=_taken\r\n".utf8))
      ]
    }
    let read = MailMessage(reading: try mail.build())
    #expect(read.root.headers["Content-Type"]?.parameterized["boundary"] == "=_free")
    #expect(read.attachments.first?.embedded?.plainBody?.text == "--=_taken\r\n")
  }

  @Test(arguments: UInt64(0)..<300)
  func `a built mail is read back, and its lines are short`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let mail = RandomMail.make(&random)
    let bytes = try mail.build()
    #expect(try mail.encodedSize() == bytes.count)
    RandomMail.checkLines(bytes)
    let read = MailMessage(reading: bytes)
    #expect(read.subject == mail.subject)
    #expect(read.from == [mail.from])
    #expect(read.to == mail.to)
    #expect(read.cc == mail.cc)
    #expect(read.bcc == mail.bcc)
    #expect(read.date == mail.date)
    #expect(read.plainBody?.text == mail.text.map(RandomMail.withCRLF))
    #expect(read.htmlBody?.text == mail.html.map(RandomMail.withCRLF))
    #expect(read.attachments.map(\.fileName) == mail.attachments.map(\.fileName))
    #expect(read.attachments.map(\.bytes) == mail.attachments.map(\.bytes))
  }

  @Test(arguments: [
    ("a<br/>b", "a\nb"), ("<p>a</p><p>b</p>", "a\n\nb"), ("<ul><li>a<li>b</ul>", "- a\n- b"),
    ("<a href=\"https://x.test/?a=1&amp;b=2\">here</a>", "here <https://x.test/?a=1&b=2>"),
    ("<a href='https://x.test'>https://x.test</a>", "https://x.test"),
    ("<head><title>t</title></head><style>p{}</style><script>1<2</script>x", "x"),
    ("a &lt; b &#228; &#x20AC; &nope; &", "a < b ä € &nope; &"), ("1 < 2", "1 < 2"),
    ("<!-- <p>no</p> -->x", "x"), ("<p title=\"a>b\">x", "x"), ("a\n  b", "a b"), ("<", "<"),
    ("<pre>a\n b</pre>", "a\n b"), ("", ""),
  ])
  func `HTML becomes text`(html: String, text: String) {
    #expect(HTMLText.plain(html) == text)
  }

  @Test(arguments: [
    ("Hi<br/>Html Email", true), ("<P>Happy</P>", true), ("<!DOCTYPE html><html>", true),
    ("1 < 2 and 3 > 2", false), ("<me@example.org>", false), ("Hi", false), ("<b", false),
    ("", false), ("remove the <b> tag", false), ("use <br> here", false), ("add `<br>`", false),
    ("drop <p>, <div> and <br>.", false), ("x<b>y", false), ("</div>", false), ("a<br>b", true),
    ("<b>bold</b>", true), ("Hi <b>you</b>!", true), ("<html>", true), ("<p>Hi", true),
  ])
  func `HTML is distinguished from text`(text: String, isHTML: Bool) {
    #expect(HTMLText.isLikely(text) == isHTML)
  }
}
