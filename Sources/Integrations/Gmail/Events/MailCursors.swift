import Basics
import IntegrationKit

/// The cursors between the mails of one call: each one as if the call had ended after that mail.
struct MailCursors: EventCursors {
  /// A cursor with more IDs has more than 64 KiB, and is not sent with each event.
  private static let maximumIDs = 2_000

  private struct Mail {
    let id: String
    let milliseconds: Int64
    let isEvent: Bool
    let isUnreadable: Bool
  }

  private var cursor: EventCursor
  private var mails: ArraySlice<Mail>
  private let keepsTime: Bool
  /// Events that are before the cursor.
  private var documents = 0

  /// - Parameters:
  ///   - start: the cursor before the first mail.
  ///   - keepsTime: as in `EventCursor.advance`.
  ///   - attempts: after the last mail.
  init(
    from start: EventCursor, past mails: ArraySlice<EventSearch.Mail>, keepsTime: Bool,
    _ attempts: ReadAttempts
  ) {
    cursor = start
    cursor.attempts = attempts
    for mail in mails where mail.isUnreadable { cursor.attempts.reopen(mail.id) }
    // Without their contents.
    self.mails =
      mails.map { mail in
        Mail(
          id: mail.id, milliseconds: mail.milliseconds, isEvent: mail.isEvent,
          isUnreadable: mail.isUnreadable)
      }[...]
    self.keepsTime = keepsTime
  }

  mutating func cursor(afterDocument number: Int) -> String? {
    var passed: [(id: String, milliseconds: Int64)] = []
    while documents <= number, let mail = mails.popFirst() {
      if mail.isEvent { documents += 1 }
      if mail.isUnreadable {
        cursor.attempts.addFailure(of: mail.id)
      } else {
        passed.append((mail.id, mail.milliseconds))
      }
    }
    cursor.advance(
      past: passed, hasMore: true, keepsTime: keepsTime, now: WallClock.nowMilliseconds)
    return cursor.idCount <= Self.maximumIDs ? cursor.text : nil
  }
}
