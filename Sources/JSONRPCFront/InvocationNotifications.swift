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

  func item(_ item: JSON) async {
    send("invoke/item", numbered: true) { $0.member("item", item) }
    await connection.room()
  }

  func progress(done: Int, total: Int) async {
    send("invoke/progress", numbered: false) {
      $0.member("done", done)
      $0.member("total", total)
    }
    await connection.room()
  }

  func waiting(reason: String, resumeAtMilliseconds: Int64) async {
    guard reportsWaits else { return }
    send("invoke/waiting", numbered: false) {
      $0.member("reason", reason)
      $0.member("resume_at", WallClock.rfc3339(resumeAtMilliseconds))
    }
  }

  private func send(
    _ method: StaticString, numbered: Bool, _ write: (inout JSONWriter) -> Void
  ) {
    // Numbered and sent under one lock, so that the numbers match the order of the lines.
    sequence.withLock { sequence in
      let frame = connection.frames.notification(method, redaction: redaction) { writer in
        writer.object { writer in
          writer.name("id")
          id.write(to: &writer)
          if numbered { writer.member("seq", sequence) }
          write(&writer)
        }
      }
      if numbered { sequence += 1 }
      connection.send(frame)
    }
  }
}
