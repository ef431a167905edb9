import Basics
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
    Can reply to a message in its thread. With OAuth, only as the user who consented.
    """,
    effect: .write, isAdditive: true, isSensitive: true, permissions: [Permission.mail],
    readBack: "search_emails",
    errorSamples: [ErrorSample(403, "The Recipients contain invalid email address.")],
    result: { GmailResults.changedMessage })

  /// Gmail's limit.
  static let maximumBytes = 36_700_160
  /// Larger mails use a resumable upload.
  static let maximumSimpleBytes = 5 * 1_024 * 1_024

  enum ContentType: String, ParameterChoice { case auto, text, html }

  let sender: MailAddress
  let subject: String?
  let content: String?
  let to: [MailAddress]
  let cc: [MailAddress]
  let bcc: [MailAddress]
  let files: FilesToAttach
  let replied: String?
  let fromName: String?
  let alias: MailAddress?
  let contentType: ContentType

  init(_ parameters: inout ParamReader) {
    sender = parameters.required(
      "Sender Email", MailboxType.sender,
      "The mailbox that sends the mail, and its From address.",
      from: [ParameterSource("get_user_list", "$.users[*].primaryEmail")],
      examples: [MailAddress("soc@harbor.example")])
    subject = parameters.optional(
      "Subject", .line(maximumCharacters: 10_000),
      "The subject, on one line. Default for a reply: Re: and the subject of the message.",
      examples: ["Your report"])
    content = parameters.optional(
      "Content", .blankableText(maximumCharacters: Self.maximumBytes),
      "The content. HTML is sent with a text alternative. Content Type says whether it is HTML.",
      examples: ["Hi<br/>The report is attached."])
    to = parameters.recipients("To Recipients", "The recipients.")
    cc = parameters.recipients("CC Recipients", "The recipients of a copy.")
    bcc = parameters.recipients("BCC Recipients", "The recipients of a blind copy.")
    files = FilesToAttach(&parameters)
    replied = parameters.optional(
      "Reply To Message ID", .text(maximumCharacters: 256),
      """
      The message in the mailbox that the mail answers. The mail joins its thread; a subject that \
      differs from that of the thread is refused. Recipients are not taken from it.
      """, from: ParameterSource.messages, examples: ["1a1e3961e9c3a002"])
    fromName = parameters.optional(
      "From Name", .line(maximumCharacters: 256), "The name that recipients see in From.",
      examples: ["Harbor SOC"])
    alias = parameters.optional(
      "Send As", MailboxType.sender,
      "The From address: one that Gmail allows the mailbox to send as. Default: Sender Email.",
      examples: [MailAddress("alerts@harbor.example")])
    contentType = parameters.optional(
      "Content Type", .choice(ContentType.self),
      """
      Whether the content is text or HTML. auto takes it as HTML if it has elements that are common \
      in mail, not if it only mentions a tag.
      """, default: .auto)
    parameters.required("Subject", unlessGiven: "Reply To Message ID")
    parameters.atLeastOne(of: "To Recipients", "CC Recipients", "BCC Recipients")
  }

  var operations: [GmailOperation] {
    (alias == nil ? [] : [.readSettings]) + (replied == nil ? [] : [.readHeaders]) + [.sendMail]
  }

  var confirmationNotes: [ConfirmationNote] {
    let domain = sender.domain
    let outside = (to + cc + bcc).filter { $0.domain != domain }.map(\.address)
      .withoutDuplicates()
    return [
      ConfirmationNote("Recipients outside \(domain)", outside.isEmpty ? ["none"] : outside)
    ]
  }

  // MARK: Sending

  /// Does not read the files or the message to reply to. A placeholder replaces a mail that depends on
  /// them.
  func plan(with client: GmailClient, add: (consuming HTTPRequest) -> Void) {
    for check in checks(with: client) { add(check) }
    add(plannedRequest(with: client))
  }

  private func plannedRequest(with client: GmailClient) -> HTTPRequest {
    if let replied {
      return request("[reply\(files.text)]", thread: "[thread of \(replied)]", with: client)
    }
    guard files.ids.isEmpty, let raw = try? mail(with: [], in: nil).build(),
      raw.count <= Self.maximumSimpleBytes
    else { return request("[mail\(files.text)]", thread: nil, with: client) }
    return request(Base64.encode(raw, alphabet: .urlSafe), thread: nil, with: client)
  }

  func run(
    with client: GmailClient, in invocation: Invocation
  ) async throws(CommandError) -> CommandResult {
    let attachments = try await files.attachments(
      atMost: Self.maximumBytes, in: invocation)
    let thread = try await thread(with: client, in: invocation)
    let raw = try build(try mail(with: attachments, in: thread))
    let notFound = thread.map { _ in ReplyThread.notFoundRemedy }
    let body: JSON
    if raw.count <= Self.maximumSimpleBytes {
      let encoded = Base64.encode(raw, alphabet: .urlSafe)
      body = try await client.exchange(
        request(encoded, thread: thread?.id, with: client), notFound: notFound, in: invocation)
    } else {
      let upload = MailUpload(
        raw, from: sender.address, thread: thread?.id, notFound: notFound, with: client,
        in: invocation)
      body = try await upload.run()
    }
    return await invocation.finish(body, items: nil)
  }

  /// The requests that are sent before the mail: for the alias, and for the message to reply to.
  private func checks(with client: GmailClient) -> [HTTPRequest] {
    [
      alias.map { SendAsAlias.request(of: $0.address, in: sender.address, with: client) },
      replied.map { ReplyThread.request(of: $0, in: sender.address, with: client) },
    ].compactMap(\.self)
  }

  /// The thread of the message to reply to, or nil. Checks the alias before.
  private func thread(
    with client: GmailClient, in invocation: Invocation
  ) async throws(CommandError) -> ReplyThread? {
    if let alias {
      let body = try await client.exchange(
        SendAsAlias.request(of: alias.address, in: sender.address, with: client),
        notFound: SendAsAlias.notFoundRemedy, in: invocation)
      try SendAsAlias.check(body, alias.address)
    }
    guard let replied else { return nil }
    return try ReplyThread(
      try await client.exchange(
        ReplyThread.request(of: replied, in: sender.address, with: client),
        notFound: ReplyThread.notFoundRemedy, in: invocation))
  }

  private func request(
    _ raw: String, thread: String?, with client: GmailClient
  ) -> HTTPRequest {
    client.mail(
      .post, sender.address, "/messages/send", for: .sendMail,
      body: JSONFragment { writer in
        writer.object { writer in
          writer.member("raw", raw)
          writer.member(ifPresent: "threadId", thread)
        }
      })
  }

  // MARK: The mail

  private func mail(
    with attachments: [MailAttachment], in thread: ReplyThread?
  ) throws(CommandError) -> MailBuilder {
    let from = MailAddress(name: fromName, (alias ?? sender).address)
    var mail = MailBuilder(from: from, subject: try thread?.subject(subject) ?? subject ?? "")
    mail.to = to
    mail.cc = cc
    mail.bcc = bcc
    mail.answers = thread?.mail
    if let content, isHTML(content) {
      mail.html = content
    } else {
      mail.text = content
    }
    mail.attachments = attachments
    return mail
  }

  private func isHTML(_ content: String) -> Bool {
    switch contentType {
    case .auto: HTMLText.isLikely(content)
    case .text: false
    case .html: true
    }
  }

  private func build(_ mail: MailBuilder) throws(CommandError) -> [UInt8] {
    let size: Int
    do throws(MailBuildError) {
      size = try mail.encodedSize()
    } catch {
      throw Self.unencodable(error)
    }
    guard size <= Self.maximumBytes else {
      throw FilesToAttach.tooLarge("has \(size)", atMost: Self.maximumBytes)
    }
    do throws(MailBuildError) {
      return try mail.build()
    } catch {
      throw Self.unencodable(error)
    }
  }

  private static func unencodable(_ error: MailBuildError) -> CommandError {
    CommandError(.validation, "The mail cannot be encoded: \(error).")
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
