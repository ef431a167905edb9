import Basics
import HTTP
import IntegrationKit
import JSON
import Mail

struct GetAutoReply: GmailCommand, RequestCommand {
  static let metadata = CommandMetadata(
    "Get Auto Reply", "Returns the vacation responder of a mailbox.",
    permissions: [Permission.settings],
    errorSamples: [ErrorSample(403, "Invalid email input.")],
    result: { GmailResults.vacation })

  let user: String

  init(_ parameters: inout ParamReader) {
    user = parameters.mailbox(
      "The mailbox to read from. With OAuth, the mailbox of the user who consented.")
  }

  var operations: [GmailOperation] { [.readSettings] }

  func request(with client: GmailClient) -> HTTPRequest {
    client.mail(.get, user, "/settings/vacation", for: .readSettings)
  }
}

struct SetAutoReply: GmailCommand {
  static let metadata = CommandMetadata(
    "Set Auto Reply",
    """
    Sets the vacation responder of a mailbox, or turns it off. Turning it off keeps the texts and \
    times that are not given, and returns the former settings.
    """, effect: .write,
    isIdempotent: true, isSensitive: true, permissions: [Permission.settings],
    readBack: "get_auto_reply",
    errorSamples: [ErrorSample(403, "Invalid email value.")],
    result: { GmailResults.changedVacation })

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
    parameters.atLeastOne(
      of: "Response Subject", "Response Body Plain Text", when: "Enable Auto Reply", isOneOf: true)
    let texts = [subject, body].compactMap(\.self)
    if isEnabled, !texts.isEmpty, texts.allSatisfy({ $0.allSatisfy(\.isWhitespace) }) {
      parameters.refuse(
        "Enable Auto Reply", ParameterProblem("needs a subject or a text that is not blank"))
    }
  }

  var operations: [GmailOperation] {
    isEnabled ? [.changeSettings] : [.readSettings, .changeSettings]
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

  func plan(with client: GmailClient, add: (consuming HTTPRequest) -> Void) {
    if !isEnabled { add(former(with: client)) }
    add(change(after: nil, with: client))
  }

  /// Google replaces all settings with those of the request. So turning the responder off would
  /// delete the texts of the user.
  func run(
    with client: GmailClient, in invocation: Invocation
  ) async throws(CommandError) -> CommandResult {
    guard !isEnabled else {
      let body = try await client.exchange(change(after: nil, with: client), in: invocation)
      return await invocation.finish(body, items: nil)
    }
    let former = try await client.exchange(former(with: client), in: invocation)
    let body = try await client.exchange(change(after: former, with: client), in: invocation)
    let result = JSONFragment { writer in
      writer.object { writer in
        for member in body.members {
          guard let name = member.name.string else { continue }
          writer.name(text: name)
          writer.value(member.value)
        }
        writer.name("formerSettings")
        writer.value(former)
      }
    }
    return await invocation.finish(result.json, items: nil)
  }

  private func former(with client: GmailClient) -> HTTPRequest {
    var request = client.mail(.get, user, "/settings/vacation", for: .readSettings)
    request.isSideEffectFree = true
    return request
  }

  /// - Parameter former: the settings to keep where no other value is given.
  private func change(after former: JSON?, with client: GmailClient) -> HTTPRequest {
    let isHTML = body.map { HTMLText.isLikely($0) }
    let keepsBody = body == nil
    let settings = JSONFragment { writer in
      writer.object { writer in
        writer.member("enableAutoReply", isEnabled)
        writer.member(ifPresent: "responseSubject", subject ?? kept("responseSubject", of: former))
        for (name, isForHTML) in Self.bodies {
          writer.member(
            ifPresent: name,
            isHTML == isForHTML ? body : keepsBody ? kept(name, of: former) : nil)
        }
        writer.member("restrictToContacts", onlyContacts || flag("restrictToContacts", of: former))
        writer.member("restrictToDomain", onlyDomain || flag("restrictToDomain", of: former))
        // Google's JSON encodes 64-bit integers as strings.
        writer.member(
          ifPresent: "startTime",
          start.map { "\($0.millisecondsSince1970)" } ?? kept("startTime", of: former))
        writer.member(
          ifPresent: "endTime",
          end.map { "\($0.millisecondsSince1970)" } ?? kept("endTime", of: former))
      }
    }
    return client.mail(.put, user, "/settings/vacation", for: .changeSettings, body: settings)
  }

  private static let bodies: [(name: StaticString, isHTML: Bool)] = [
    ("responseBodyPlainText", false), ("responseBodyHtml", true),
  ]

  private func kept(_ name: StaticString, of former: JSON?) -> String? {
    former?["\(name)"].flatMap { $0.string ?? $0.integer.map(String.init) }
  }

  private func flag(_ name: StaticString, of former: JSON?) -> Bool {
    former?["\(name)"]?.bool ?? false
  }
}
