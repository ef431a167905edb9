import Basics
import JSON
import Redaction

/// Takes what a follower finds. Each function may suspend until its reader has room.
package protocol FollowOutput: Sendable {
  func event(_ event: FollowedEvent) async
  /// A poll succeeded, and its events were sent.
  func polled(_ poll: FinishedPoll) async
  /// A poll failed. The follower goes on.
  func failed(_ error: InvocationError, nextPollAtMilliseconds: Int64) async
}

/// An event that is not acknowledged yet.
package struct FollowedEvent: Sendable {
  /// From 0, without gaps.
  package let sequence: Int
  let event: JSONFragment
  /// Continues after this event, or before it if the command knows no cursor so near. Nil if there is
  /// none yet.
  let cursor: String?
  /// The secrets that its text may contain.
  package let redaction: RedactionScope

  package static let layout = MessageLayout.object([
    "seq": .own, "event": .foreign, "cursor": .foreign,
  ])

  package func writeMembers(to writer: inout JSONWriter) {
    writer.member("seq", sequence)
    writer.member("event", event)
    writer.member(ifPresent: "cursor", cursor)
  }
}

package struct FinishedPoll: Sendable {
  let cursor: String?
  package let notices: [String]
  /// Since 1970.
  package let nextPollAtMilliseconds: Int64
  package let redaction: RedactionScope

  package static let layout = MessageLayout.object([
    "cursor": .foreign, "notices": .foreign, "next_poll_at": .own,
  ])

  package func writeMembers(to writer: inout JSONWriter) {
    writer.member(ifPresent: "cursor", cursor)
    if !notices.isEmpty {
      writer.name("notices")
      writer.array { for notice in notices { $0.string(notice) } }
    }
    writer.member("next_poll_at", WallClock.rfc3339(nextPollAtMilliseconds))
  }
}

/// What a follower has done until it was stopped.
package struct FollowSummary: Sendable {
  package let events: Int
  let polls: Int
  /// Of the events that were acknowledged.
  let cursor: String?
  let meta: OutcomeMeta
  package let redaction: RedactionScope

  package static let layout = MessageLayout.object([
    "return_data": .own, "cursor": .foreign, "meta": .own,
  ])

  package func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("return_data", "Successful")
      writer.member(ifPresent: "cursor", cursor)
      writer.name("meta")
      writer.object {
        $0.member(ifPresent: "connection", meta.connection)
        $0.member("trace_id", meta.traceID)
        $0.member("duration_ms", meta.durationMilliseconds)
        $0.member("events", events)
        $0.member("polls", polls)
      }
    }
  }
}
