import Basics
import IntegrationKit
import JSON
import Mail

/// A message in the shape that the documented paths expect. It differs from Gmail's response:
///
/// - `payload` contains `HTMLBody` and `snippet`. The message contains `DecodedBodyData` and
///   `AttachedEMLAttachementFiles` (sic, as in the document).
/// - Header names have the spelling of the paths, independent of the sender's spelling.
/// - The text of an attached mail replaces the bodies of its texts at the documented path, unless it
///   is the only one.
/// - Deeper attached mails are also among the parts of the payload. Each contains the `From` of its
///   mail, and the text of that mail among its parts.
/// - A mail that is attached as a file is opened, see `OpenedMails`.
/// - `AttachmentFiles` are the attachments of the message itself, if they are wanted.
/// - `error` is that of content which could not be read in the last attempt.
/// - Headers per part and attached mails beyond the limits below are omitted.
struct EventDocument {
  /// Headers per part. Headers that RFCs define have a separate limit of the same size, so that
  /// other headers cannot displace the sender.
  static let maximumHeaders = 1_000
  /// Per message.
  static let maximumAttachedMails = 100

  let json: JSON
  /// Omissions and unavailable content.
  private(set) var notices: [String] = []
  /// Of content that was omitted in the last attempt.
  private(set) var error: CommandError?

  /// Fetches content that the message only references, and stores the files of attached mails.
  ///
  /// - Parameters:
  ///   - isLastAttempt: whether content that is temporarily unavailable is omitted.
  ///   - attachments: how the attachments of the message itself are stored; nil if they are not.
  /// - Throws: if content is temporarily unavailable. Permanently unavailable content is omitted.
  init(
    _ message: JSON, client: GmailClient, user: String, isLastAttempt: Bool,
    attachments: OwnAttachments?, _ files: inout AttachedFiles, in invocation: Invocation
  ) async throws(CommandError) {
    guard let closed = message["payload"], let closedMail = MailMessage(gmailPayload: closed) else {
      json = message
      return
    }
    let id = message["id"]?.string ?? ""
    var contents = MailContents(
      of: id, client: client, user: user, isLastAttempt: isLastAttempt)
    var opened = OpenedMails(in: id)
    let payload = try await opened.open(closed, closedMail.root, &contents, in: invocation)
    notices += opened.notices
    let mail = MailMessage(gmailPayload: payload) ?? closedMail
    var document = EventDocumentWriter(message: message, payload: payload, mail: mail)
    document.body = try await contents.body(of: mail, in: invocation)
    if document.hasTooManyHeaders {
      notices.append(
        "Message \(id) has more than \(Self.maximumHeaders) headers in one part. The event "
          + "contains the first ones.")
    }
    let all = AttachedMail.all(in: payload, mail.root)
    if all.count > Self.maximumAttachedMails {
      notices.append(
        "Message \(id) has \(all.count) attached mails. The event contains the first "
          + "\(Self.maximumAttachedMails).")
    }
    for attached in all.prefix(Self.maximumAttachedMails) {
      var attached = attached
      if let embedded = attached.part.embedded {
        attached.text = try await contents.body(of: embedded, in: invocation)
          .map { AttachedMail.Text(partID: embedded.root.id, bytes: Array($0.plain.utf8)) }
        document.files += try await files.files(
          of: embedded, after: document.files.count, in: id, &contents, invocation)
      }
      document.attached.append(attached)
    }
    if let attachments {
      document.ownFiles = try await files.ownFiles(
        of: mail, in: id, &contents, attachments, invocation)
    }
    notices += contents.bodyNotices
    error = contents.failure.map { $0.reading(message: id) }
    document.error = error
    json = document.fragment.json
  }
}
