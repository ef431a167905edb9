import Basics
import Engine
import IntegrationKit
import JSON
import RPC
import Redaction
import Synchronization

/// The notifications of one invocation, numbered in sending order.
final class InvocationNotifications: InvocationEvents {
  private let id: RequestID
  private let connection: RPC.Connection
  private let redaction: FrameWriter.Redaction
  private let reportsWaits: Bool
  private let sequence = Mutex(0)

  private static let layout = MessageLayout.object([
    "id": .own, "seq": .own, "done": .own, "total": .own, "reason": .own,
    "resume_at": .own,
  ])

  /// - Parameter reportsWaits: true for streams, false if only progress was requested.
  init(
    _ id: RequestID, on connection: RPC.Connection, of invocation: PreparedInvocation,
    reportsWaits: Bool
  ) {
    // The item of a command over targets is the outcome of one of them.
    let item = invocation.command.canPartlySucceed ? Outcome.targetLayout : .foreign
    redaction = .secrets(of: invocation.redaction, Self.layout + .object(["item": item]))
    self.id = id
    self.connection = connection
    self.reportsWaits = reportsWaits
  }

  func items(_ items: [JSON]) async {
    var rest = items[...]
    while !rest.isEmpty {
      sendItems(&rest)
      await connection.room()
    }
  }

  /// Bytes of items that are sent together.
  private static let gatheredBytes = 32 * 1_024

  /// Sends as many items as are gathered, and removes them.
  private func sendItems(_ rest: inout ArraySlice<JSON>) {
    var lines = FrameBuffer(capacity: 2 * Self.gatheredBytes)
    // Numbered and sent under one lock, so that the numbers match the order of the lines.
    sequence.withLock { sequence in
      while lines.count < Self.gatheredBytes, let item = rest.popFirst() {
        connection.frames.notification("invoke/item", redaction: redaction, into: &lines) {
          writer in
          writer.object { writer in
            writer.name("id")
            id.write(to: &writer)
            writer.member("seq", sequence)
            writer.member("item", item)
          }
        }
        sequence += 1
      }
      connection.send(lines)
    }
  }

  func progress(done: Int, total: Int) async {
    send("invoke/progress") {
      $0.member("done", done)
      $0.member("total", total)
    }
    await connection.room()
  }

  func waiting(reason: String, resumeAtMilliseconds: Int64) async {
    guard reportsWaits else { return }
    send("invoke/waiting") {
      $0.member("reason", reason)
      $0.member("resume_at", WallClock.rfc3339(resumeAtMilliseconds))
    }
  }

  private func send(_ method: StaticString, _ write: (inout JSONWriter) -> Void) {
    connection.send(
      connection.frames.notification(method, redaction: redaction) { writer in
        writer.object { writer in
          writer.name("id")
          id.write(to: &writer)
          write(&writer)
        }
      })
  }
}
