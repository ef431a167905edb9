import Basics
import IntegrationKit
import JSON
import Mail

/// Writes an `EventDocument`.
struct EventDocumentWriter {
  let message: JSON
  /// Of the message, with opened mails.
  let payload: JSON
  let mail: MailMessage
  var body: RenderedBody?
  var attached: [AttachedMail] = []
  var files: [AttachedFile] = []
  var ownFiles: [AttachedFile] = []
  var error: CommandError?

  init(message: JSON, payload: JSON, mail: MailMessage) {
    self.message = message
    self.payload = payload
    self.mail = mail
  }

  /// Members that Gmail does not send.
  private static let added: Set<String> = [
    "DecodedBodyData", "AttachedEMLAttachementFiles", "AttachmentFiles", "error",
  ]

  static func isMail(_ part: MailPart) -> Bool { part.mediaType.description == "message/rfc822" }

  /// The child parts, as received and as parsed.
  static func parts(_ json: JSON, _ part: MailPart) -> Zip2Sequence<[JSON], [MailPart]> {
    zip(json["parts"]?.elements.filter { $0.kind == .object } ?? [], part.parts)
  }

  var fragment: JSONFragment {
    JSONFragment { writer in
      writer.object { writer in
        copy(message, except: Self.added.union(["payload"]), &writer)
        writer.name("payload")
        writer.object { write(payload: payload, to: &$0) }
        writer.member(
          ifPresent: "DecodedBodyData", body.map { $0.isOnlyHTML ? $0.html : $0.plain })
        write("AttachedEMLAttachementFiles", files, to: &writer)
        write("AttachmentFiles", ownFiles, to: &writer)
        guard let error else { return }
        writer.name("error")
        writer.object { error.writeSummary(to: &$0) }
      }
    }
  }

  private func copy(_ json: JSON, except excluded: Set<String>, _ writer: inout JSONWriter) {
    for member in json.members where !excluded.contains(member.name.string ?? "") {
      writer.name(copying: member.name)
      writer.value(member.value)
    }
  }

  private func write(payload: JSON, to writer: inout JSONWriter) {
    var excluded = Self.rewritten
    if let body {
      writer.member("HTMLBody", body.html)
      excluded.insert("HTMLBody")
    }
    if let snippet = message["snippet"] {
      writer.member("snippet", snippet)
      excluded.insert("snippet")
    }
    copy(payload, except: excluded, &writer)
    writeHead(mail.root, to: &writer)
    let deeper = attached.filter { !$0.isDirect }
    guard !mail.root.parts.isEmpty || !deeper.isEmpty else { return }
    writer.name("parts")
    writer.array { writer in
      var direct = attached.filter(\.isDirect)[...]
      for (json, part) in Self.parts(payload, mail.root) {
        if Self.isMail(part), let attached = direct.popFirst() {
          write(attached, to: &writer)
        } else if !Self.isMail(part) || attached.count < EventDocument.maximumAttachedMails {
          write(json, part, to: &writer)
        }
      }
      for attached in deeper { write(attached, to: &writer) }
    }
  }

  /// Members of a part that are rewritten instead of copied.
  private static let rewritten: Set<String> = ["headers", "mimeType", "parts"]

  private func writeHead(
    _ part: MailPart, with more: [MailHeader] = [], to writer: inout JSONWriter
  ) {
    writer.member("mimeType", part.mediaType.description)
    writer.name("headers")
    writer.array { writer in
      for header in Self.kept(part.headers) + more {
        writer.object {
          $0.member("name", Self.spelling[header.name.lowercased()] ?? header.name)
          $0.member("value", header.value)
        }
      }
    }
  }

  /// The headers that the document includes, in order.
  private static func kept(_ headers: MailHeaders) -> [MailHeader] {
    guard headers.count > EventDocument.maximumHeaders else { return Array(headers) }
    var known = 0
    var others = 0
    return headers.filter { header in
      if spelling[header.name.lowercased()] != nil {
        known += 1
        return known <= EventDocument.maximumHeaders
      }
      others += 1
      return others <= EventDocument.maximumHeaders
    }
  }

  var hasTooManyHeaders: Bool {
    func has(_ part: MailPart) -> Bool {
      Self.kept(part.headers).count < part.headers.count || part.parts.contains(where: has)
    }
    return has(mail.root)
  }

  private func write(
    _ json: JSON, _ part: MailPart, without excluded: Set<String> = [],
    to writer: inout JSONWriter
  ) {
    writer.object { writer in
      copy(json, except: Self.rewritten.union(excluded), &writer)
      writeHead(part, to: &writer)
      guard !part.parts.isEmpty else { return }
      writer.name("parts")
      writer.array { for (json, part) in Self.parts(json, part) { write(json, part, to: &$0) } }
    }
  }

  // MARK: Attached mails

  private func write(_ attached: AttachedMail, to writer: inout JSONWriter) {
    let part = attached.part
    let sender = part.headers["From"] == nil ? part.embedded?.headers["From"] : nil
    writer.object { writer in
      copy(attached.json, except: Self.rewritten, &writer)
      writeHead(part, with: sender.map { [$0] } ?? [], to: &writer)
      guard !part.parts.isEmpty else { return }
      writer.name("parts")
      writer.array {
        for (json, root) in Self.parts(attached.json, part) {
          write(json, root, with: attached.text, to: &$0)
        }
      }
    }
  }

  /// The root of an attached mail, with its text at the documented path: once, also if the mail
  /// has several texts there, or texts elsewhere.
  private func write(
    _ json: JSON, _ root: MailPart, with text: AttachedMail.Text?, to writer: inout JSONWriter
  ) {
    let found = Self.parts(json, root).filter(Self.isAtTextPath)
    let isPresent = found.count == 1 && found[0].1.bytes == text?.bytes
    writer.object { writer in
      copy(json, except: Self.rewritten, &writer)
      writeHead(root, to: &writer)
      guard text != nil || !root.parts.isEmpty else { return }
      writer.name("parts")
      writer.array { writer in
        if let text, !isPresent { write(text, to: &writer) }
        for (json, part) in Self.parts(json, root) {
          let isRepeated = text != nil && !isPresent && Self.isAtTextPath(json, part)
          write(json, part, without: isRepeated ? ["body"] : [], to: &writer)
        }
      }
    }
  }

  /// Whether the documented path of the text leads to the part.
  private static func isAtTextPath(_ json: JSON, _ part: MailPart) -> Bool {
    json["filename"]?.equals("") == true && part.mediaType.description == "text/plain"
      && json["body"]?["data"] != nil
  }

  private func write(_ text: AttachedMail.Text, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("partId", text.partID)
      writer.member("mimeType", "text/plain")
      writer.member("filename", "")
      writer.name("body")
      writer.object {
        $0.member("size", text.bytes.count)
        $0.member("data", Base64.encode(text.bytes, alphabet: .urlSafe))
      }
    }
  }

  private func write(
    _ name: StaticString, _ files: [AttachedFile], to writer: inout JSONWriter
  ) {
    guard !files.isEmpty else { return }
    writer.name(name)
    writer.array { writer in for file in files { write(file, to: &writer) } }
  }

  private func write(_ file: AttachedFile, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("D3fileName", file.name)
      writer.member("mimeType", file.part.mediaType.description)
      writer.member(ifPresent: "attachmentId", file.part.attachmentID)
      if let stored = file.stored {
        writer.member("fileId", stored.id)
        writer.member("md5", stored.md5)
        writer.member("sha1", stored.sha1)
        writer.member("sha256", stored.sha256)
      }
      guard let mail = file.part.embedded else { return }
      writer.member(ifPresent: "From", mail.headers.value("From"))
      writer.member(ifPresent: "To", mail.headers.value("To"))
      writer.member(ifPresent: "Subject", mail.subject)
    }
  }

  // MARK: Headers

  /// By lowercase name (RFC 5322 section 3.6, RFC 2045).
  private static let spelling = Dictionary(
    uniqueKeysWithValues: [
      "Date", "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Message-ID", "In-Reply-To",
      "References", "Subject", "Return-Path", "Received", "Delivered-To", "Authentication-Results",
      "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Content-ID",
      "Content-Disposition", "Content-Description",
    ].map { ($0.lowercased(), $0) })
}
