import Basics
import HTTP
import Mail
import Plugin

/// The message is read once: the ids of attachments are new at every look, so all are taken from the
/// same one. A mail inside the mail is cut out of its raw form, where it has the bytes that came.
struct DownloadEmailAttachment: GmailCommand, TargetCommand {
  static let about = CommandAbout(
    "Download Email Attachment",
    """
    Fetches the attachments of a message that have these names, also of mails inside it, and keeps \
    them as files. Attached mails become .eml files. With OAuth, only from the mailbox of the user \
    who consented.
    """,
    permissions: [Permission.mail],
    result: { .array(of: GmailResults.attachments) })

  let user: String
  let message: String
  let names: [String]

  init(_ parameters: inout ParamReader) {
    user = parameters.mailbox("The mailbox that holds the message.")
    message = parameters.required(
      "Message ID", .text(maximumCharacters: 256), "The message with the attachments.",
      from: ParameterSource.messages, examples: ["1a1e36095ba05ccd"])
    names = parameters.required(
      "Attachment File Names",
      .list(of: .blankableText(maximumCharacters: 1_024), count: 1...1_000),
      "Names of attachments; of equal names all are fetched, and \"\" stands for those without one.",
      from: [ParameterSource("get_email", "$[*].payload..filename")],
      examples: [["invoice.csv"]]
    ).withoutDuplicates()
  }

  func plan(with client: GmailClient) -> [HTTPRequest] {
    client.previews(request(with: client, format: "full"))
  }

  func targets(with client: GmailClient) -> [Target] {
    names.map { Target($0, request(with: client, format: "full")) }
  }

  private func request(with client: GmailClient, format: String) -> HTTPRequest {
    client.mail(.get, user, "/messages/", message) { $0.query("format", format) }
  }

  func run(
    with client: GmailClient, in invocation: Invocation
  ) async throws(CommandError) -> CommandResult {
    let answer = try await client.exchange(
      request(with: client, format: "full"), in: invocation)
    let attachments = try MessageAttachments(answer)
    let needsRaw = names.contains { name in
      attachments.named(name).contains { $0.needsRaw }
    }
    let whole = needsRaw ? await raw(with: client, in: invocation) : nil
    return try await run(targets(with: client), in: invocation) {
      (target, own) async throws(CommandError) in
      let name = target.names[0]
      let parts = attachments.named(name)
      guard !parts.isEmpty else { throw attachments.missing(name) }
      var files: [StoredFile] = []
      for part in parts {
        let content = try await content(of: part, whole, with: client, in: own)
        files.append(
          try await own.store(content, name: part.storedName, contentType: part.contentType))
      }
      return TargetAnswer(attachments.json(of: parts), files: files)
    }
  }

  // MARK: Contents

  private func content(
    of part: MailPart, _ whole: Result<MailMessage, CommandError>?, with client: GmailClient,
    in invocation: Invocation
  ) async throws(CommandError) -> [UInt8] {
    guard part.needsRaw, let whole else {
      return try await listed(part, with: client, in: invocation)
    }
    do throws(CommandError) {
      if let bytes = part.twin(in: try whole.get())?.bytes { return bytes }
    } catch {
      guard part.attachmentID != nil else { throw error }
    }
    guard part.attachmentID != nil else {
      throw CommandError(
        .upstream, "Gmail gives the attachment \(part.storedName) in no form.",
        remedy: "Read the message with get_email.")
    }
    return try await fetched(part, with: client, in: invocation)
  }

  /// What stands in the message, or where it points to.
  private func listed(
    _ part: MailPart, with client: GmailClient, in invocation: Invocation
  ) async throws(CommandError) -> [UInt8] {
    if let bytes = part.bytes { return bytes }
    do throws(CommandError) {
      return try await fetched(part, with: client, in: invocation)
    } catch {
      // The id may have been forgotten meanwhile.
      guard error.kind == .notFound || error.statusCode == 400 else { throw error }
      let mail = try? await raw(with: client, in: invocation).get()
      guard let bytes = mail.flatMap({ part.twin(in: $0)?.bytes }) else { throw error }
      return bytes
    }
  }

  private func fetched(
    _ part: MailPart, with client: GmailClient, in invocation: Invocation
  ) async throws(CommandError) -> [UInt8] {
    let answer = try await client.exchange(
      client.mail(.get, user, "/messages/", message, "/attachments/", part.attachmentID ?? ""),
      in: invocation)
    guard let data = answer["data"]?.stringBytes else {
      throw CommandError(.upstream, "Gmail's answer holds no attachment.")
    }
    return LenientBase64.decode(data)
  }

  private func raw(
    with client: GmailClient, in invocation: Invocation
  ) async -> Result<MailMessage, CommandError> {
    do throws(CommandError) {
      let answer = try await client.exchange(
        request(with: client, format: "raw"), in: invocation)
      guard let raw = answer["raw"]?.stringBytes, !raw.isEmpty else {
        throw CommandError(.upstream, "Gmail's answer holds no raw mail.")
      }
      return .success(MailMessage(reading: LenientBase64.decode(raw)))
    } catch {
      return .failure(error)
    }
  }
}

/// The attachments of a message as Gmail lists them.
private struct MessageAttachments {
  private let parts: [MailPart]
  /// Of each part what Gmail said.
  private let answers: [String: JSON]

  /// - Throws: the documents' error when there are none.
  init(_ message: JSON) throws(CommandError) {
    guard let payload = message["payload"], let mail = MailMessage(gmailPayload: payload) else {
      throw CommandError(.upstream, "Gmail's answer holds no message.")
    }
    parts = mail.allAttachments
    guard !parts.isEmpty else {
      throw CommandError(
        .notFound, statusCode: 403, "The message doesn't contain any attachments.",
        remedy: "Look with get_email, or search with has:attachment.")
    }
    var answers: [String: JSON] = [:]
    Self.collect(payload, into: &answers)
    self.answers = answers
  }

  /// As deep as the reader of mail goes.
  private static func collect(_ part: JSON, into answers: inout [String: JSON]) {
    var waiting = [part]
    while let part = waiting.popLast() {
      answers[part["partId"]?.string ?? ""] = part
      if let inner = part["parts"], inner.kind == .array { waiting += inner.elements }
    }
  }

  func named(_ name: String) -> [MailPart] {
    let called = parts.filter { ($0.fileName ?? "") == name }
    return called.isEmpty ? parts.filter { $0.storedName == name } : called
  }

  func json(of parts: [MailPart]) -> JSON {
    JSONFragment { writer in
      writer.array { for part in parts { if let json = answers[part.id] { $0.value(json) } } }
    }.json
  }

  func missing(_ name: String) -> CommandError {
    let names = parts.map(\.storedName)
    let hint = Suggestion.closest(to: name, among: names).map { " Did you mean \($0)?" } ?? ""
    return CommandError(
      .notFound, "The message has no attachment named \(name).",
      remedy: "Take the names from get_email at $[*].payload..filename.\(hint)")
  }
}

extension MailPart {
  /// Whether only the raw mail has the content, or has it as it came.
  fileprivate var needsRaw: Bool {
    if mediaType.isMail { return true }
    guard attachmentID == nil, bytes?.isEmpty != false else { return false }
    return true
  }

  /// The name of the file that it becomes.
  fileprivate var storedName: String {
    let name = fileName ?? embedded?.subject ?? "part-\(id)"
    guard mediaType.isMail, !name.lowercased().hasSuffix(".eml") else { return name }
    return name + ".eml"
  }

  /// Gmail shows what Outlook has wrapped as a multipart.
  fileprivate var contentType: String {
    if mediaType.isMail { return "message/rfc822" }
    if !mediaType.isMultipart { return mediaType.description }
    let written = headers["Content-Type"]?.parameterized.value ?? ""
    return written.hasPrefix("multipart/") ? "" : written
  }

  /// The same part of the mail read here. Gmail may have taken a broken mail apart in another way,
  /// or read a name in another charset.
  fileprivate func twin(in mail: MailMessage) -> MailPart? {
    let alike = mail.allAttachments.filter { $0.mediaType.isMail == mediaType.isMail }
    let called = alike.filter { $0.fileName == fileName }
    return called.first { $0.id == id }
      ?? (called.count == 1 && fileName != nil ? called[0] : alike.first { $0.id == id })
  }
}
