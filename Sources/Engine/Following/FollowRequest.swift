import Basics
import IntegrationKit
import JSON

/// What a follower polls, and how.
package struct FollowRequest: Sendable {
  package static let everySeconds: Int64 = 30
  package static let secondsRange: ClosedRange<Int64> = 1...86_400
  package static let maximumUnacknowledged: Int64 = 100
  package static let unacknowledgedRange: ClosedRange<Int64> = 1...10_000
  package static let maximumCheckpointCharacters = 64

  private static let cursorName = "cursor"

  let invocation: InvocationRequest
  let everyMilliseconds: Int
  let maximumUnacknowledged: Int
  let checkpoint: String?
  /// Of the command. Following has no end.
  private let end: String?

  /// - Parameter checkpoint: the name of the file of the position; nil to keep none.
  /// - Throws: all problems that make the command one that cannot be followed.
  package init(
    _ invocation: InvocationRequest, everySeconds: Int64, maximumUnacknowledged: Int64,
    checkpoint: String?
  ) throws(RequestProblems) {
    self.invocation = invocation
    everyMilliseconds = Int(everySeconds) * 1_000
    self.maximumUnacknowledged = Int(maximumUnacknowledged)
    self.checkpoint = checkpoint
    let command = invocation.command
    guard command.metadata.events != nil, command.shape.names.contains(Self.cursorName) else {
      throw RequestProblems(
        "/command", "\(command.id) cannot be followed; it fetches no events from a cursor on")
    }
    end = Self.end(of: command)
    var problems = Self.problems(in: invocation.options)
    if let end, let given = invocation.arguments?[end], !given.isNull {
      problems.add("/arguments/\(end)", "is not allowed: following has no end")
    }
    if let name = checkpoint, !Self.isFileName(name) {
      problems.add(
        "/checkpoint",
        "must be 1 to \(Self.maximumCheckpointCharacters) letters, digits, -, _ or ., not first a ."
      )
    }
    guard problems.isEmpty else { throw problems }
  }

  /// The argument of a command that is left out, because following has no end.
  package static func end(of command: RegisteredCommand) -> String? {
    command.metadata.events?().end
  }

  /// Options that make no sense for a poll.
  private static func problems(in options: InvocationOptions) -> RequestProblems {
    var problems = RequestProblems()
    let given = [
      ("stream", options.stream), ("progress", options.progress), ("dry_run", options.dryRun),
      ("idempotency_key", options.idempotencyKey != nil),
    ]
    for (name, isGiven) in given where isGiven {
      problems.add("/options/\(name)", "is not allowed for following")
    }
    return problems
  }

  private static func isFileName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= maximumCheckpointCharacters && !name.hasPrefix(".")
      && name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
          UInt8(ascii: "."):
          true
        default: false
        }
      }
  }

  /// The cursor in the arguments.
  var givenCursor: String? { invocation.arguments?[Self.cursorName]?.string }

  /// The last time of an argument: the end of a time range that has none.
  private static let noEnd = "9999-12-31T23:59:59.999Z"

  /// The invocation of one poll.
  ///
  /// - Parameter trace: of all polls.
  func poll(from cursor: String?, in trace: TraceContext) -> InvocationRequest {
    var request = invocation
    request.arrival = .now
    request.options.traceparent = trace.traceparent
    request.arguments =
      JSONFragment { writer in
        writer.object { writer in
          for member in invocation.arguments?.members.map({ $0 }) ?? [] {
            if cursor != nil, member.name.equals(Self.cursorName) { continue }
            if let end, member.name.equals(end) { continue }
            writer.name(copying: member.name)
            writer.value(member.value)
          }
          writer.member(ifPresent: "cursor", cursor)
          guard let end else { return }
          writer.name(text: end)
          writer.string(Self.noEnd)
        }
      }.json
    return request
  }
}
