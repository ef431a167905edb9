import Basics
import IntegrationKit
import JSON
import RPC
import Synchronization

/// The progress notifications of one tool call, with the token of its client.
final class ProgressNotifications: InvocationEvents {
  private struct State {
    /// Finished targets or pages.
    var done = 0
    var total: Int?
    /// Waits since then. Each adds a hundredth, because the number must increase every time.
    var waits = 0
    var lastSent = -1.0

    var value: Double { Double(done) + Double(waits) / 100 }
  }

  private let token: RequestID
  private let caller: MCPCaller
  private let connection: RPC.Connection
  private let request: InFlightRequest
  private let state = Mutex(State())

  init(
    _ token: RequestID, of caller: MCPCaller, on connection: RPC.Connection,
    for request: InFlightRequest
  ) {
    self.token = token
    self.caller = caller
    self.connection = connection
    self.request = request
  }

  func items(_ items: [JSON]) async {}

  func progress(done: Int, total: Int) async {
    send("\(done) of \(total)") {
      $0.done = done
      $0.total = total
      $0.waits = 0
    }
    await connection.room()
  }

  func waiting(reason: String, resumeAtMilliseconds: Int64) async {
    let time = WallClock.rfc3339(resumeAtMilliseconds)
    send("waiting until \(time): \(reason)") { $0.waits = min(99, $0.waits + 1) }
  }

  private func send(_ message: String, _ change: (inout State) -> Void) {
    // Sent under the lock, so that the numbers match the order of the lines.
    state.withLock { state in
      change(&state)
      guard state.value > state.lastSent else { return }
      state.lastSent = state.value
      request.ifNotCancelled { send(state, message) }
    }
  }

  private func send(_ state: State, _ message: String) {
    let frame = connection.frames.notification("notifications/progress", redaction: .ownText) {
      writer in
      writer.object { writer in
        writer.name("progressToken")
        token.write(to: &writer)
        if state.waits == 0 {
          writer.member("progress", state.done)
        } else {
          writer.name("progress")
          writer.double(state.value)
        }
        if let total = state.total { writer.member("total", total) }
        if caller.revision.hasProgressMessages { writer.member("message", message) }
      }
    }
    connection.send(frame)
  }
}
