import Basics
import IntegrationKit
import JSON
import Mail

/// Opens mails that are attached as files: parts named `.eml` whose type does not say that they are
/// mails. Programs that do not know the name send `application/octet-stream`, and Gmail returns such
/// a part without its parts.
///
/// An opened part has the form of an attached mail in a response of Gmail (`message/rfc822`).
struct OpenedMails {
  /// Per message. Further files stay closed.
  static let maximumMails = EventDocument.maximumAttachedMails
  /// Depth of parts inside an opened mail, with the mails opened in it. Deeper parts are omitted.
  private static let maximumNesting = 100
  /// Bytes of the mails inside opened mails, which are in the payload once per level. Beyond it, they
  /// are listed without content.
  private static let maximumNestedBytes = 64 * 1_024 * 1_024

  private let id: String
  private var mails: [String: MailMessage] = [:]
  private var mailsLeft = Self.maximumMails
  private var nestedBytesLeft = Self.maximumNestedBytes
  private(set) var notices: [String] = []

  /// - Parameter id: of the message.
  init(in id: String) { self.id = id }

  /// The payload with its mails opened.
  ///
  /// - Throws: if a file is temporarily unavailable.
  mutating func open(
    _ payload: JSON, _ root: MailPart, _ contents: inout MailContents, in invocation: Invocation
  ) async throws(CommandError) -> JSON {
    for part in Self.candidates(in: root).prefix(Self.maximumMails) {
      guard let bytes = try await contents.keptBytes(of: part, in: invocation) else {
        notices.append(
          "The attachment \(part.fileName ?? "") in message \(id) could not be opened.")
        continue
      }
      if let mail = Self.mail(in: bytes) { mails[part.id] = mail }
    }
    guard !mails.isEmpty else { return payload }
    mailsLeft -= mails.count
    return JSONFragment { write(payload, root, to: &$0) }.json
  }

  // MARK: Which files are mails

  private static func candidates(in part: MailPart) -> [MailPart] {
    isCandidate(part) ? [part] : part.parts.flatMap(candidates)
  }

  /// A text is opened only if the mail does not show it.
  private static func isCandidate(_ part: MailPart) -> Bool {
    guard part.parts.isEmpty, !part.mediaType.isMail, !part.isBodyText else { return false }
    let name = part.fileName?.lowercased().reversed().drop { $0.isWhitespace || $0 == "." }
    return name.map { $0.starts(with: "lme.") } ?? false
  }

  /// Nil if the bytes do not start with the header of a mail.
  private static func mail(in bytes: [UInt8]) -> MailMessage? {
    let mail = MailMessage(reading: bytes)
    let names = ["From", "Sender", "To", "Subject", "Date", "Message-ID", "Received"]
    return names.contains { mail.headers[$0] != nil } ? mail : nil
  }

  // MARK: Writing

  private mutating func write(_ json: JSON, _ part: MailPart, to writer: inout JSONWriter) {
    writer.openObject()
    let mail = Self.isCandidate(part) ? mails[part.id] : nil
    for member in json.members {
      let name = member.name.string ?? ""
      guard name != "parts", mail == nil || name != "mimeType" else { continue }
      writer.name(copying: member.name)
      writer.value(member.value)
    }
    if let mail {
      writer.member("mimeType", "message/rfc822")
      writer.name("parts")
      writer.openArray()
      write(mail.root, at: part.id.isEmpty ? "0" : part.id + ".0", depth: 1, to: &writer)
      writer.closeArray()
    } else if let parts = json["parts"] {
      writer.name("parts")
      writer.openArray()
      let objects = parts.elements.filter { $0.kind == .object }
      for (json, part) in zip(objects, part.parts) { write(json, part, to: &writer) }
      writer.closeArray()
    }
    writer.closeObject()
  }

  /// - Parameter prefix: the part ID of the root.
  private mutating func write(
    _ part: MailPart, at prefix: String, depth: Int, to writer: inout JSONWriter
  ) {
    let id = part.id.isEmpty ? prefix : "\(prefix).\(part.id)"
    let content = part.bytes ?? []
    let mayOpen = mailsLeft > 0 && depth < Self.maximumNesting
    let opened = mayOpen && Self.isCandidate(part) ? Self.mail(in: content) : nil
    if opened != nil { mailsLeft -= 1 }
    let isMail = part.mediaType.isMail || opened != nil
    writer.openObject()
    writer.member("partId", id)
    writer.member("mimeType", isMail ? "message/rfc822" : part.mediaType.description)
    writer.member("filename", part.fileName ?? "")
    writer.name("headers")
    writer.openArray()
    for header in part.headers {
      writer.object {
        $0.member("name", header.name)
        $0.member("value", header.value)
      }
    }
    writer.closeArray()
    writer.name("body")
    writeBody(of: part, content, isMail: isMail, to: &writer)
    let parts = opened.map { [$0.root] } ?? part.parts
    if !parts.isEmpty, depth < Self.maximumNesting {
      let prefix = opened == nil ? prefix : id + ".0"
      writer.name("parts")
      writer.openArray()
      for inner in parts { write(inner, at: prefix, depth: depth + 1, to: &writer) }
      writer.closeArray()
    }
    writer.closeObject()
  }

  /// As Gmail does, with texts in UTF-8; files keep the bytes of the sender.
  private mutating func writeBody(
    of part: MailPart, _ content: [UInt8], isMail: Bool, to writer: inout JSONWriter
  ) {
    let isText = part.isBodyText && part.fileName == nil
    let data = isText ? Array(part.text(of: content).utf8) : content
    var hasData = part.parts.isEmpty
    if isMail {
      hasData = data.count <= nestedBytesLeft
      if hasData { nestedBytesLeft -= data.count }
    }
    writer.object {
      $0.member("size", data.count)
      if hasData { $0.member("data", Base64.encode(data, alphabet: .urlSafe)) }
    }
  }
}
