import Basics
import FileStore
import HTTP
import IntegrationKit
import JSON
import Mail

/// Reads the message once: Gmail returns new attachment IDs on every read, so all IDs must come
/// from the same response. An attached mail is extracted from the raw message, which preserves its
/// bytes.
struct DownloadEmailAttachment: GmailCommand, TargetCommand {
  static let metadata = CommandMetadata(
    "Download Email Attachment",
    """
    Downloads the attachments with these names from a message and its attached mails, also those \
    attached as .eml files of another type, and stores them as files. Attached mails become .eml \
    files. With OAuth, only from the mailbox of the user who consented.
    """,
    permissions: [Permission.mail],
    errorSamples: [ErrorSample(403, "The message doesn't contain any attachments.")],
    result: { .array(of: GmailResults.attachments) })

  let user: String
  let message: String
  let names: [String]

  init(_ parameters: inout ParamReader) {
    user = parameters.mailbox("The mailbox that contains the message.")
    message = parameters.required(
      "Message ID", .text(maximumCharacters: 256), "The message that contains the attachments.",
      from: ParameterSource.messages, examples: ["1a1e36095ba05ccd"])
    names = parameters.required(
      "Attachment File Names",
      .list(of: .blankableText(maximumCharacters: 1_024), count: 1...1_000),
      "Attachment names. Selects all attachments with a name; \"\" selects those without a name.",
      from: [ParameterSource("get_email", "$[*].payload..filename")],
      examples: [["invoice.csv"]]
    ).withoutDuplicates()
  }

  func plan(with client: GmailClient, add: (consuming HTTPRequest) -> Void) {
    add(request(with: client, format: "full"))
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
    let attachments = try await attachments(of: answer, with: client, in: invocation)
    let needsRaw = names.contains { name in
      attachments.named(name).contains { $0.needsRaw }
    }
    let whole = needsRaw ? await raw(with: client, in: invocation) : nil
    let hints = attachments.hints(for: names)
    return try await run(targets(with: client), in: invocation) {
      (target, perTarget) async throws(CommandError) in
      let name = target.names[0]
      let parts = attachments.named(name)
      guard !parts.isEmpty else { throw attachments.missing(name, hint: hints[name]) }
      var whole = whole
      var files: [StoredFile] = []
      for part in parts {
        // Inline content needs no request that would check the deadline.
        try perTarget.checkTime(for: "Storing the attachments")
        let content = try await content(of: part, &whole, with: client, in: perTarget)
        files.append(
          try await perTarget.store(content, name: part.storedName, contentType: part.contentType))
      }
      return TargetAnswer(attachments.json(of: parts), files: files)
    }
  }

  /// Opens mails that are attached as files only if a name is not found otherwise.
  private func attachments(
    of answer: JSON, with client: GmailClient, in invocation: Invocation
  ) async throws(CommandError) -> MessageAttachments {
    let attachments = try MessageAttachments(answer)
    guard names.contains(where: { attachments.named($0).isEmpty }),
      let payload = answer["payload"], let mail = MailMessage(gmailPayload: payload)
    else { return attachments }
    var contents = MailContents(of: message, client: client, user: user, isLastAttempt: true)
    var opened = OpenedMails(in: message)
    let changed = try await opened.open(payload, mail.root, &contents, in: invocation)
    return try MessageAttachments(
      JSONFragment { writer in writer.object { $0.member("payload", changed) } }.json)
  }

  // MARK: Content

  /// - Parameter whole: the raw message; nil until it is needed and fetched.
  private func content(
    of part: MailPart, _ whole: inout Result<RawAttachments, CommandError>?,
    with client: GmailClient, in invocation: Invocation
  ) async throws(CommandError) -> [UInt8] {
    guard part.needsRaw, let raw = whole else {
      return try await listed(part, &whole, with: client, in: invocation)
    }
    do throws(CommandError) {
      if let bytes = try raw.get().counterpart(of: part)?.bytes { return bytes }
    } catch {
      guard part.attachmentID != nil else { throw error }
    }
    guard part.attachmentID != nil else {
      // A mail inside a mail that is attached as a file.
      if let bytes = part.bytes, !bytes.isEmpty { return bytes }
      throw CommandError(
        .upstream, "Gmail returns no content for the attachment \(part.storedName).",
        remedy: "Read the message with get_email.")
    }
    return try await fetched(part, with: client, in: invocation)
  }

  /// The inline content of the part, or the content behind its attachment ID.
  private func listed(
    _ part: MailPart, _ whole: inout Result<RawAttachments, CommandError>?,
    with client: GmailClient, in invocation: Invocation
  ) async throws(CommandError) -> [UInt8] {
    if let bytes = part.bytes { return bytes }
    do throws(CommandError) {
      return try await fetched(part, with: client, in: invocation)
    } catch {
      // The attachment ID may have expired.
      guard error.kind == .notFound || error.statusCode == 400 else { throw error }
      if whole == nil { whole = await raw(with: client, in: invocation) }
      guard let bytes = (try? whole?.get())?.counterpart(of: part)?.bytes else { throw error }
      return bytes
    }
  }

  private func fetched(
    _ part: MailPart, with client: GmailClient, in invocation: Invocation
  ) async throws(CommandError) -> [UInt8] {
    let request = client.mail(
      .get, user, "/messages/", message, "/attachments/", part.attachmentID ?? "")
    var response = try await client.send(request, in: invocation)
    switch try data(in: response, with: client, in: invocation) {
    case .decoded(let content): return content
    case .encoded(let range):
      // The response is large, and of no further use.
      LenientBase64.decode(&response.body, at: range)
      return response.body
    }
  }

  private enum AttachmentData {
    case decoded([UInt8])
    /// The place of Base64 in the response.
    case encoded(Range<Int>)
  }

  private func data(
    in response: HTTPResponse, with client: GmailClient, in invocation: Invocation
  ) throws(CommandError) -> AttachmentData {
    let data = try client.read(response, in: invocation)["data"]
    if let range = data?.plainText, !response.hasByteOrderMark { return .encoded(range) }
    guard let data = data?.stringBytes else {
      throw CommandError(.upstream, "Gmail's response contains no attachment.")
    }
    return .decoded(LenientBase64.decode(data))
  }

  private func raw(
    with client: GmailClient, in invocation: Invocation
  ) async -> Result<RawAttachments, CommandError> {
    do throws(CommandError) {
      let answer = try await client.exchange(
        request(with: client, format: "raw"), in: invocation)
      guard let raw = answer["raw"]?.stringBytes, !raw.isEmpty else {
        throw CommandError(.upstream, "Gmail's response contains no raw message.")
      }
      return .success(RawAttachments(MailMessage(reading: LenientBase64.decode(raw))))
    } catch {
      return .failure(error)
    }
  }
}
