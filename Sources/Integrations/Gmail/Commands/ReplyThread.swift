import HTTP
import IntegrationKit
import JSON
import Mail

/// The thread that a mail is sent to, and the message in it that the mail answers.
///
/// Gmail adds a mail to a thread if the request names the thread, In-Reply-To and References refer to
/// it, and the subjects match (discovery document, `Message.threadId`).
struct ReplyThread {
  let id: String
  let mail: RepliedMail

  static let notFoundRemedy = """
    The message to reply to does not exist in the mailbox of sender_email. Use an ID from \
    search_emails with that mailbox.
    """

  /// The request for the headers of the message.
  static func request(
    of message: String, in mailbox: String, with client: GmailClient
  ) -> HTTPRequest {
    var request = client.mail(.get, mailbox, "/messages/", message, for: .readHeaders) { url in
      url.query("format", "metadata")
      for name in ["Message-ID", "In-Reply-To", "References", "Subject"] {
        url.query("metadataHeaders", name)
      }
    }
    request.isSideEffectFree = true
    return request
  }

  /// - Parameter body: the response to `request`.
  init(_ body: JSON) throws(CommandError) {
    guard let id = body["threadId"]?.string,
      let payload = body["payload"].flatMap({ MailMessage(gmailPayload: $0) })
    else {
      throw CommandError(.upstream, "Gmail's response contains no headers of the message.")
    }
    guard let mail = RepliedMail(payload.headers) else {
      throw CommandError(
        .validation, "The message to reply to has no Message-ID that a reply could refer to.",
        remedy: "Send the mail without reply_to_message_id.")
    }
    self.id = id
    self.mail = mail
  }

  /// The subject of the reply.
  ///
  /// - Parameter given: by the caller, or nil.
  /// - Throws: if Gmail would not add a mail with that subject to the thread.
  func subject(_ given: String?) throws(CommandError) -> String {
    guard let given else { return mail.replySubject }
    guard mail.matches(given) else {
      throw CommandError(
        .validation,
        "The subject differs from that of the thread, \"\(mail.subject)\", so Gmail would not add "
          + "the mail to it.",
        remedy: "Omit subject, or send a new mail without reply_to_message_id.")
    }
    return given
  }
}
