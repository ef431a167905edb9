import Basics
import IntegrationKit
import JSON
import RPC
import Redaction
import Synchronization

/// The notifications of one invocation, numbered in the order in which they are sent.
final class Events: InvocationEvents {
  private let id: RequestID
  private let output: OutputQueue
  private let secrets: Redactor
  /// Of a stream, not of a caller who only follows the progress.
  private let tellsWaits: Bool
  private let sequence = Mutex(0)

  init(_ id: RequestID, to output: OutputQueue, secrets: Redactor, tellsWaits: Bool) {
    self.id = id
    self.tellsWaits = tellsWaits
    self.output = output
    self.secrets = secrets
  }

  func item(_ item: JSON) async {
    send("invoke/item", numbered: true) { $0.member("item", item) }
    await output.room()
  }

  func progress(done: Int, total: Int) async {
    send("invoke/progress", numbered: false) {
      $0.member("done", done)
      $0.member("total", total)
    }
    await output.room()
  }

  func waiting(reason: String, resumeAtMilliseconds: Int64) async {
    guard tellsWaits else { return }
    send("invoke/waiting", numbered: false) {
      $0.member("reason", reason)
      $0.member("resume_at", WallClock.rfc3339(resumeAtMilliseconds))
    }
  }

  private func send(
    _ method: StaticString, numbered: Bool, _ write: (inout JSONWriter) -> Void
  ) {
    // Numbering and sending under one lock: the numbers stand in the order of the lines.
    sequence.withLock { sequence in
      var writer = JSONWriter()
      Frame.notification(method, into: &writer) { writer in
        writer.object { writer in
          writer.name("id")
          id.write(to: &writer)
          if numbered { writer.member("seq", sequence) }
          write(&writer)
        }
      }
      if numbered { sequence += 1 }
      var frame = secrets.redact(frame: writer.bytes)
      frame.append(0x0A)
      output.append(frame)
    }
  }
}
