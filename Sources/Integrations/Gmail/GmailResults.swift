import IntegrationKit

/// Result shapes from the discovery documents (main members).
enum GmailResults {
  static let messageList = ResultShape.object([
    .init(
      "messages", .array(of: .object([.init("id", .text), .init("threadId", .text)])),
      "Missing if nothing was found."),
    .init("nextPageToken", .text),
    .init("resultSizeEstimate", .integer, "An estimate, not a count."),
  ])

  static let message = ResultShape.object(
    messageMembers + [.init("fileId", .text, "The .eml file, with format eml.")])

  static let fetchedMessage = ResultShape.object(
    messageMembers + [.init("error", .any, "Of a message that could not be read.")])

  private static let messageMembers: [ResultShape.Member] = [
    .init("id", .text), .init("threadId", .text), .init("labelIds", .array(of: .text)),
    .init("snippet", .text), .init("internalDate", .text, "Epoch milliseconds."),
    .init("sizeEstimate", .integer), .init("payload", .any, "The tree of MIME parts."),
  ]

  /// After a change, Gmail returns little more than the ID and the labels.
  static let changedMessage = ResultShape.object([
    .init("id", .text), .init("threadId", .text), .init("labelIds", .array(of: .text)),
  ])

  /// Per name, the parts with that name.
  static let attachments = ResultShape.array(
    of: .object([
      .init("partId", .text), .init("mimeType", .text), .init("filename", .text),
      .init("body", .object([.init("attachmentId", .text), .init("size", .integer)])),
    ]))

  static let labels = ResultShape.object([
    .init(
      "labels",
      .array(of: .object([.init("id", .text), .init("name", .text), .init("type", .text)])))
  ])

  static let vacation = ResultShape.object(vacationMembers)

  static let changedVacation = ResultShape.object(
    vacationMembers + [
      .init("formerSettings", vacation, "The settings before they were turned off.")
    ])

  private static let vacationMembers: [ResultShape.Member] = [
    .init("enableAutoReply", .boolean), .init("responseSubject", .text),
    .init("responseBodyPlainText", .text), .init("responseBodyHtml", .text),
    .init("restrictToContacts", .boolean), .init("restrictToDomain", .boolean),
    .init("startTime", .text, "Epoch milliseconds."),
    .init("endTime", .text, "Epoch milliseconds."),
  ]

  static let user = ResultShape.object([
    .init("id", .text), .init("primaryEmail", .text), .init("name", .any),
    .init("isAdmin", .boolean), .init("suspended", .boolean), .init("creationTime", .text),
    .init("lastLoginTime", .text), .init("orgUnitPath", .text),
  ])

  static let users = ResultShape.object([
    .init("kind", .text), .init("users", .array(of: user)), .init("nextPageToken", .text),
  ])
}
