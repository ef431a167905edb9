import Basics
import HTTP
import IntegrationKit
import JSON
import Mail

struct GetAutoReply: GmailCommand, RequestCommand {
  static let metadata = CommandMetadata(
    "Get Auto Reply", "Returns the vacation responder of a mailbox.",
    permissions: [Permission.settings], result: { GmailResults.vacation })

  let user: String

  init(_ parameters: inout ParamReader) {
    user = parameters.mailbox(
      "The mailbox to read from. With OAuth, the mailbox of the user who consented.")
  }

  func request(with client: GmailClient) -> HTTPRequest {
    client.mail(.get, user, "/settings/vacation", scope: .mailSettings)
  }
}

struct SetAutoReply: GmailCommand, RequestCommand {
  static let metadata = CommandMetadata(
    "Set Auto Reply", "Sets the vacation responder of a mailbox or turns it off.", effect: .write,
    isIdempotent: true, isSensitive: true, permissions: [Permission.settings],
    readBack: "get_auto_reply",
    result: { GmailResults.vacation })

  let user: String
  let isEnabled: Bool
  let subject: String?
  let body: String?
  let onlyContacts: Bool
  let onlyDomain: Bool
  let start: Timestamp?
  let end: Timestamp?

  init(_ parameters: inout ParamReader) {
    user = parameters.mailbox(
      "The mailbox to change. With OAuth, the mailbox of the user who consented.")
    isEnabled = parameters.optional(
      "Enable Auto Reply", .boolean, "Reply automatically to incoming mail.", default: false)
    subject = parameters.optional(
      "Response Subject", .text(maximumCharacters: 998), "The subject of the reply.",
      examples: ["Out of office"])
    body = parameters.optional(
      "Response Body Plain Text", .text, "The reply, as text or HTML.",
      examples: ["<p>Back on Monday.</p>"])
    onlyContacts = parameters.optional(
      "Restrict To Contacts", .boolean,
      "Reply only to people in the user's contacts, as in Google's API.",
      default: false)
    onlyDomain = parameters.optional(
      "Restrict To Domain", .boolean,
      "Reply only to people in the user's domain, as in Google's API.",
      default: false)
    start = parameters.optional(
      "Start Time", .timestamp, "Reply only to mail received at or after this time.")
    end = parameters.optional(
      "End Time", .timestamp, "Reply only to mail received before this time.")
    parameters.ordered(
      "Start Time", before: "End Time", message: "Start Time must precede End Time.")
  }

  var confirmationNotes: [ConfirmationNote] {
    let people =
      switch (onlyContacts, onlyDomain) {
      case (true, true): "contacts of the user in the user's domain"
      case (true, false): "contacts of the user, also outside the user's domain"
      case (false, true): "people in the user's domain"
      case (false, false): "everyone who writes to the mailbox"
      }
    return [ConfirmationNote("Replies to", [isEnabled ? people : "nobody: it is turned off"])]
  }

  func request(with client: GmailClient) -> HTTPRequest {
    let settings = JSONFragment { writer in
      writer.object { writer in
        writer.member("enableAutoReply", isEnabled)
        writer.member(ifPresent: "responseSubject", subject)
        if let body {
          writer.member(
            HTMLText.isLikely(body) ? "responseBodyHtml" : "responseBodyPlainText", body)
        }
        writer.member("restrictToContacts", onlyContacts)
        writer.member("restrictToDomain", onlyDomain)
        // Google's JSON encodes 64-bit integers as strings.
        writer.member(ifPresent: "startTime", start.map { "\($0.millisecondsSince1970)" })
        writer.member(ifPresent: "endTime", end.map { "\($0.millisecondsSince1970)" })
      }
    }
    return client.mail(.put, user, "/settings/vacation", scope: .mailSettings, body: settings)
  }
}
