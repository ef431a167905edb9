import Basics
import IntegrationKit
import JSON

/// The events of one call.
struct EventPage {
  private let user: String
  private let storesAttachments: Bool
  /// The time that is reserved for the end of the call: one that stops early returns a cursor, a timeout
  /// returns none.
  private let reserveMilliseconds: Int
  private let client: GmailClient
  private let invocation: Invocation
  var events: EventCollector
  private var files = AttachedFiles()
  private(set) var attempts: ReadAttempts
  /// Of the message that ended the page.
  private(set) var failure: EventSearch.Failure?

  init(
    of user: String, storesAttachments: Bool, reserveMilliseconds: Int,
    _ attempts: ReadAttempts, _ client: GmailClient, _ invocation: Invocation
  ) {
    self.reserveMilliseconds = reserveMilliseconds
    self.user = user
    self.storesAttachments = storesAttachments
    self.client = client
    self.invocation = invocation
    self.attempts = attempts
    events = EventCollector(invocation)
  }

  var isFull: Bool {
    files.isFull || invocation.remainingMilliseconds <= reserveMilliseconds
  }

  /// - Parameter isFirst: whether there is no mail before it.
  /// - Returns: false if the page ends before this mail.
  /// - Throws: if the mailbox cannot be read, and there is no mail before it.
  mutating func add(
    _ mail: EventSearch.Mail, isFirst: Bool
  ) async throws(CommandError) -> Bool {
    let filesBefore = files
    do throws(CommandError) {
      switch mail.content {
      case .notSelected: break
      case .unreadable(let threadID, let error):
        try await add(unreadable: mail.id, threadID, error)
        attempts.addFailure(of: mail.id)
      case .message(let message):
        try await add(message, mail.id, isFirst: isFirst)
        attempts.remove(mail.id)
      }
      return true
    } catch {
      let isOver = Task.isCancelled || invocation.remainingMilliseconds <= 0
      // The message itself was read. A result that is full says nothing about it.
      let concernsMail = error.concernsOneMessage(ifOthersAreReadable: true)
      let isCounted = concernsMail && error.kind != .tooLarge && !isOver
      guard isCounted || !isFirst && !isOver else { throw error.reading(message: mail.id) }
      // The earlier events are complete. The next call starts with this mail.
      if isCounted { attempts.addFailure(of: mail.id) }
      failure = EventSearch.Failure(id: mail.id, error: error)
      files = filesBefore
      return false
    }
  }

  private mutating func add(
    _ message: JSON, _ id: String, isFirst: Bool
  ) async throws(CommandError) {
    let fileCount = files.stored.count
    let attachments = OwnAttachments(
      reserveMilliseconds: reserveMilliseconds, mayOmit: isFirst)
    let document = try await EventDocument(
      message, client: client, user: user, isLastAttempt: attempts.isLast(for: id),
      attachments: storesAttachments ? attachments : nil, &files, in: invocation)
    events.notices += document.notices
    try await events.add(
      document.json, raw: message, named: "message \(id)",
      files: storesAttachments ? Array(files.stored[fileCount...]) : [], error: document.error)
  }

  /// An event with what is known of a message that cannot be read.
  private mutating func add(
    unreadable id: String, _ threadID: String?, _ error: CommandError
  ) async throws(CommandError) {
    let text = "Message \(id) could not be read in \(ReadAttempts.maximumAttempts) calls"
    var shown = error
    shown.message = "\(text): \(error.message)"
    shown.remedy = "Read the message with get_email later, or in Gmail."
    let known = JSONFragment { writer in
      writer.object { writer in
        writer.member("id", id)
        writer.member(ifPresent: "threadId", threadID)
        writer.name("error")
        writer.object { shown.writeSummary(to: &$0) }
      }
    }.json
    try await events.add(known, raw: known, named: "message \(id)", error: shown)
    events.notices.append("\(text). Its event contains the error.")
  }

  /// Adds the files and the notices.
  ///
  /// - Parameter unread: messages that could not be read, behind those of the page.
  mutating func report(_ unread: [EventSearch.Failure]) {
    events.files = files.stored
    events.notices += files.notices
    for failure in (failure.map { [$0] } ?? []) + unread {
      events.notices.append(
        "Message \(failure.id) could not be read: \(failure.error.message)")
    }
  }
}
