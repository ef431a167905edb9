import Basics
import FileStore
import HTTP
import IntegrationKit
import JSON
import Mail

/// Sends at most once. A mail that may have been sent is never sent again, because the recipients
/// would receive it twice.
struct SendEmail: GmailCommand {
  static let metadata = CommandMetadata(
    "Send Email",
    """
    Sends a mail as text or as HTML with a text alternative, with attachments from the file store. \
    With OAuth, only as the user who consented.
    """,
    effect: .write, isAdditive: true, isSensitive: true, permissions: [Permission.mail],
    readBack: "search_emails",
    result: { GmailResults.changedMessage })

  /// Gmail's limit.
  static let maximumBytes = 36_700_160
  /// Larger mails use a resumable upload.
  static let maximumSimpleBytes = 5 * 1_024 * 1_024

  let sender: MailAddress
  let subject: String
  let content: String?
  let to: [MailAddress]
  let cc: [MailAddress]
  let bcc: [MailAddress]
  let files: [String]
  let source: FileSource?

  init(_ parameters: inout ParamReader) {
    sender = parameters.required(
      "Sender Email", MailboxType.sender,
      "The mailbox that sends the mail, and its From address.",
      from: [ParameterSource("get_user_list", "$.users[*].primaryEmail")],
      examples: [MailAddress("soc@harbor.example")])
    subject = parameters.required(
      "Subject", .line(maximumCharacters: 10_000), "The subject, on one line.",
      examples: ["Your report"])
    content = parameters.optional(
      "Content", .blankableText(maximumCharacters: Self.maximumBytes),
      "The content as text or HTML. HTML is sent with a text alternative.",
      examples: ["Hi<br/>The report is attached."])
    to = parameters.recipients("To Recipients", "The recipients.")
    cc = parameters.recipients("CC Recipients", "The recipients of a copy.")
    bcc = parameters.recipients("BCC Recipients", "The recipients of a blind copy.")
    files =
      parameters.optional(
        "File IDs", .list(of: .text(maximumCharacters: 64), count: 0...500),
        "The IDs of files to attach, from files/put or from command results."
      )?.withoutDuplicates() ?? []
    source = parameters.optional(
      "File Source", .choice(FileSource.self),
      "The source of the files. Files from another source are rejected.")
    parameters.atLeastOne(of: "To Recipients", "CC Recipients", "BCC Recipients")
  }

  var operations: [GmailOperation] { [.sendMail] }

  var confirmationNotes: [ConfirmationNote] {
    let domain = sender.domain
    let outside = (to + cc + bcc).filter { $0.domain != domain }.map(\.address)
      .withoutDuplicates()
    return [
      ConfirmationNote("Recipients outside \(domain)", outside.isEmpty ? ["none"] : outside)
    ]
  }

  // MARK: Sending

  /// Does not read the files. With files, a placeholder replaces the mail.
  func plan(with client: GmailClient) -> [HTTPRequest] {
    guard files.isEmpty, let raw = try? mail(with: []).build(), raw.count <= Self.maximumSimpleBytes
    else {
      let count = files.count == 1 ? "1 file" : "\(files.count) files"
      return client.previews(request("[mail with \(count)]", with: client))
    }
    return client.previews(simpleRequest(raw, with: client))
  }

  func run(
    with client: GmailClient, in invocation: Invocation
  ) async throws(CommandError) -> CommandResult {
    let raw = try build(with: try await attachments(in: invocation))
    let body: JSON
    if raw.count <= Self.maximumSimpleBytes {
      body = try await client.exchange(simpleRequest(raw, with: client), in: invocation)
    } else {
      let upload = MailUpload(raw, from: sender.address, with: client, in: invocation)
      body = try await upload.run()
    }
    return await invocation.finish(body, items: nil)
  }

  private func simpleRequest(_ raw: [UInt8], with client: GmailClient) -> HTTPRequest {
    request(Base64.encode(raw, alphabet: .urlSafe), with: client)
  }

  private func request(_ raw: String, with client: GmailClient) -> HTTPRequest {
    client.mail(
      .post, sender.address, "/messages/send", for: .sendMail,
      body: JSONFragment { $0.object { $0.member("raw", raw) } })
  }

  // MARK: The mail

  private func mail(with attachments: [MailAttachment]) -> MailBuilder {
    var mail = MailBuilder(from: sender, subject: subject)
    mail.to = to
    mail.cc = cc
    mail.bcc = bcc
    if let content, HTMLText.isLikely(content) {
      mail.html = content
    } else {
      mail.text = content
    }
    mail.attachments = attachments
    return mail
  }

  private func build(with attachments: [MailAttachment]) throws(CommandError) -> [UInt8] {
    let mail = mail(with: attachments)
    let size: Int
    do throws(MailBuildError) {
      size = try mail.encodedSize()
    } catch {
      throw Self.unencodable(error)
    }
    guard size <= Self.maximumBytes else { throw Self.tooLarge("has \(size)") }
    do throws(MailBuildError) {
      return try mail.build()
    } catch {
      throw Self.unencodable(error)
    }
  }

  private static func unencodable(_ error: MailBuildError) -> CommandError {
    CommandError(.validation, "The mail cannot be encoded: \(error).")
  }

  private static func tooLarge(_ size: String) -> CommandError {
    CommandError(
      .validation, "The mail \(size) bytes. Gmail accepts at most \(maximumBytes).",
      remedy: "Attach smaller files. Encoding increases their size by more than a third.")
  }

  // MARK: Files

  /// Reads the files after checking that all exist and fit.
  private func attachments(
    in invocation: Invocation
  ) async throws(CommandError) -> [MailAttachment] {
    var found: [StoredFile] = []
    var unknown: [String] = []
    for id in files {
      if let file = try await invocation.file(id) {
        found.append(file)
      } else {
        unknown.append(id)
      }
    }
    guard unknown.isEmpty else {
      throw CommandError(
        .validation,
        unknown.count == 1
          ? "The file \(unknown[0]) is unknown."
          : "The files \(unknown.joined(separator: ", ")) are unknown.",
        remedy: "files/list returns the stored files.")
    }
    if let source, let other = found.first(where: { $0.source != source }) {
      throw CommandError(
        .validation,
        "The file \(other.id) has the source \(other.source.rawValue), not \(source.rawValue).",
        remedy: "Use the source of the file, or omit file_source.")
    }
    let size = found.reduce(0) { $0 + $1.size }
    guard size <= Self.maximumBytes else { throw Self.tooLarge("would have more than \(size)") }
    var attachments: [MailAttachment] = []
    for file in found {
      attachments.append(
        MailAttachment(file, bytes: try await invocation.content(of: file)))
    }
    return attachments
  }
}

extension MailAttachment {
  /// Removes the parameters of the media type. Invalid types become application/octet-stream.
  fileprivate init(_ file: StoredFile, bytes: [UInt8]) {
    let type = MediaType(String(file.contentType.prefix { $0 != ";" && $0 != " " }))
    let isUsable = type.map { !$0.isMultipart && $0.description.utf8.count <= 60 } ?? false
    self.init(
      fileName: file.name,
      contentType: isUsable ? type?.description ?? "" : "application/octet-stream", bytes: bytes)
  }
}

extension MailAddress {
  /// In lower case, because the case of a domain is irrelevant.
  fileprivate var domain: String {
    address.split(separator: "@").last.map { $0.lowercased() } ?? ""
  }
}

extension ParamReader {
  fileprivate mutating func recipients(
    _ title: StaticString, _ description: StaticString
  ) -> [MailAddress] {
    optional(
      title, .list(of: MailboxType.recipient, count: 0...2_000), description,
      from: [ParameterSource("get_user_list", "$.users[*].primaryEmail")],
      examples: [[MailAddress("fiona@harbor.example")]]) ?? []
  }
}
