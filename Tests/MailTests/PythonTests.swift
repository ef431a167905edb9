import Basics
import Foundation
import JSON
import Mail
import TestSupport
import Testing

/// Python's `email` package as a reference implementation, if Python is installed.
enum Python {
  static let executable: URL? = ["/usr/bin/python3", "/usr/local/bin/python3", "/opt/bin/python3"]
    .map { URL(fileURLWithPath: $0) }
    .first { FileManager.default.isExecutableFile(atPath: $0.path) }

  /// The JSON output of the script for the input on stdin.
  static func run(_ script: String, _ input: [UInt8]) throws -> JSON {
    let process = Process()
    process.executableURL = executable
    process.arguments = ["-I", "-c", script]
    // Files instead of pipes: both ends of a pipe would have to be served at the same time.
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("mail-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let files = (folder.appendingPathComponent("in"), folder.appendingPathComponent("out"))
    try Data(input).write(to: files.0)
    try Data().write(to: files.1)
    process.standardInput = try FileHandle(forReadingFrom: files.0)
    process.standardOutput = try FileHandle(forWritingTo: files.1)
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return try JSON.parse([UInt8](Data(contentsOf: files.1)))
  }
}

@Suite(.enabled(if: Python.executable != nil, "Python is not installed"))
struct PythonTests {
  @Test func `Python reads back what is built`() throws {
    let mails = (UInt64(0)..<200).map { seed in
      var random = SeededGenerator(seed: seed)
      return RandomMail.make(&random)
    }
    var writer = JSONWriter()
    try writer.array { writer in
      for mail in mails { writer.string(Base64.encode(try mail.build())) }
    }
    let results = Array(try Python.run(Self.reading, writer.bytes).elements)
    #expect(results.count == mails.count)
    for (mail, result) in zip(mails, results) {
      #expect(result["defects"]?.count == 0)
      #expect(result["subject"]?.string == mail.subject)
      #expect(strings(result, "to", "address") == mail.to.map(\.address))
      #expect(strings(result, "to", "name") == mail.to.map { $0.name ?? "" })
      #expect(result["plain"]?.string == mail.text.map(RandomMail.withCRLF))
      #expect(result["html"]?.string == mail.html.map(RandomMail.withCRLF))
      #expect(strings(result, "files", "name") == mail.attachments.map(\.fileName))
      #expect(strings(result, "files", "bytes") == mail.attachments.map { Base64.encode($0.bytes) })
    }
  }

  @Test func `mails built by Python are read correctly`() throws {
    let mails: [JSON] = Array(try Python.run(Self.building, []).elements)
    #expect(mails.count == 150)
    for json in mails {
      let raw = LenientBase64.decode(json["raw"]?.stringBytes ?? [])
      let mail = MailMessage(reading: raw)
      #expect(mail.subject == json["subject"]?.string)
      #expect(mail.from.first?.name == json["name"]?.string)
      #expect(mail.date?.timestamp.millisecondsSince1970 == json["date"]?.integer)
      #expect(mail.plainBody?.text?.replacing("\r\n", with: "\n") == json["plain"]?.string)
      #expect(mail.htmlBody?.text?.replacing("\r\n", with: "\n") == json["html"]?.string)
      let name = json["file"]?.string
      #expect(mail.attachments.first?.fileName == name)
      #expect(mail.attachments.first?.bytes.map { Base64.encode($0) } == json["bytes"]?.string)
      #expect(mail.attachments.last?.embedded?.subject == json["inner"]?.string)
    }
  }

  /// Known differences: Python parses every message/* part, does not decode an embedded mail and
  /// ends an unquoted boundary at a space.
  private static let differences = [
    "rfc/001", "rfc/008", "thirdparty/008", "thirdparty/009", "thirdparty/012",
  ]

  @Test func `Python finds the same parts, also in corrupted mails`() throws {
    let suite = (ParserSuite.cases ?? []).filter { mail in
      !Self.differences.contains { mail.name.hasPrefix($0) }
    }
    var random = SeededGenerator(seed: 1)
    let cut = (0..<40).map { _ in
      let mail = Mails.bytes(Mails.full)
      return Array(mail[..<random.pick(1...mail.count)])
    }
    let sources = [Mails.bytes(Mails.full), Mails.bytes(Mails.inner)] + cut + suite.map(\.source)
    var writer = JSONWriter()
    writer.array { writer in for source in sources { writer.string(Base64.encode(source)) } }
    let results = Array(try Python.run(Self.walking, writer.bytes).elements)
    #expect(results.count == sources.count)
    for (source, result) in zip(sources, results) {
      let ours = walk(MailMessage(reading: source).root)
      #expect(ours == result.elements.compactMap { $0.string })
    }
  }

  private func strings(_ json: JSON, _ list: String, _ name: String) -> [String] {
    let elements = json[list].map { Array($0.elements) } ?? []
    return elements.compactMap { $0[name]?.string }
  }

  private func walk(_ part: MailPart) -> [String] {
    [part.mediaType.description] + part.parts.flatMap(walk)
  }

  private static let reading = """
    import base64, email, email.policy, json, sys
    out = []
    for raw in json.load(sys.stdin):
        mail = email.message_from_bytes(base64.b64decode(raw), policy=email.policy.SMTP)
        defects = [str(d) for p in mail.walk() for d in p.defects]
        plain, html, files = None, None, []
        for part in mail.walk():
            if part.is_multipart():
                continue
            data = part.get_payload(decode=True)
            if part.get_filename():
                files.append({"name": part.get_filename(), "bytes": base64.b64encode(data).decode()})
            elif part.get_content_subtype() == "plain" and plain is None:
                plain = data.decode(part.get_content_charset())
            elif part.get_content_subtype() == "html":
                html = data.decode(part.get_content_charset())
        compat = email.message_from_bytes(base64.b64decode(raw), policy=email.policy.compat32)
        decode = lambda text: str(email.header.make_header(email.header.decode_header(text)))
        pairs = email.utils.getaddresses([compat["To"]])
        out.append({"defects": defects, "subject": decode(compat["Subject"]),
                    "to": [{"name": decode(n), "address": a} for n, a in pairs],
                    "plain": plain, "html": html, "files": files})
    json.dump(out, sys.stdout)
    """

  private static let building = """
    import base64, email, email.policy, email.utils, json, random, sys
    from email.message import EmailMessage
    from email.headerregistry import Address
    random.seed(7)
    pieces = ["Hello", " world", "ä", "日本語", "😀", ",", "(x)", "é", " and", "-", "long" * 12, "ß"]
    charsets = ["utf-8", "utf-8", "iso-8859-1", "windows-1252", "iso-8859-15"]
    latin = ["Hello", " world", "ä", "é", "=", ".", "\\n", "\\n.", "From ", "ß", "x" * 90]
    def text(source=pieces, most=12):
        return "".join(random.choice(source) for _ in range(random.randint(1, most))).strip() or "x"
    def header(name, make):
        "A value that Python itself reads back: some lose a space where they are folded."
        while True:
            value, mail = make(), EmailMessage(policy=email.policy.SMTP)
            mail[name] = value
            if email.message_from_bytes(bytes(mail), policy=email.policy.SMTP)[name] == value:
                return value
    out = []
    for number in range(150):
        policy = random.choice([email.policy.SMTP, email.policy.default])
        mail = EmailMessage(policy=policy)
        subject, name = header("Subject", text), text(["Jane", " Doe", "ä", "日本", "é", "x"], 5)
        mail["Subject"] = subject
        mail["From"] = Address(name, "jane", "example.org")
        date = 1700000000 + number * 86461
        mail["Date"] = email.utils.formatdate(date)
        charset = random.choice(charsets)
        plain, html = text(latin) + "\\n", "<p>" + text(latin) + "</p>\\n"
        encoding = random.choice(["base64", "quoted-printable"])
        mail.set_content(plain, charset=charset, cte=encoding)
        mail.add_alternative(html, subtype="html", charset="utf-8", cte="quoted-printable")
        data, file = random.randbytes(random.randint(0, 300)), text() + ".bin"
        mail.add_attachment(data, maintype="application", subtype="x-y", filename=file)
        inner = EmailMessage(policy=policy)
        inner_subject = header("Subject", text)
        inner["Subject"] = inner_subject
        inner.set_content("inner\\n")
        mail.add_attachment(inner)
        out.append({"raw": base64.b64encode(mail.as_bytes()).decode(), "subject": subject,
                    "name": name, "date": date * 1000, "plain": plain, "html": html, "file": file,
                    "bytes": base64.b64encode(data).decode(), "inner": inner_subject})
    json.dump(out, sys.stdout)
    """

  private static let walking = """
    import base64, email, json, sys
    out = []
    for raw in json.load(sys.stdin):
        mail = email.message_from_bytes(base64.b64decode(raw))
        types = [part.get_content_type() for part in mail.walk()]
        out.append(["text/plain" if name.endswith("/") else name for name in types])
    json.dump(out, sys.stdout)
    """
}
