import Basics
import IntegrationKit
import JSON
import RPC
import Synchronization

/// Tells a client how far its tool call is, under the token that it gave.
final class ToolEvents: InvocationEvents {
  private struct State {
    /// Targets or pages that are done.
    var done = 0
    var total: Int?
    /// Waits since then. Each raises the number by a hundredth, since it has to rise every time.
    var waits = 0
    var lastSent = -1.0

    var value: Double { Double(done) + Double(waits) / 100 }
  }

  private let token: RequestID
  private let caller: MCPCaller
  private let output: OutputQueue
  private let request: ActiveRequests.Request
  private let state = Mutex(State())

  init(
    _ token: RequestID, of caller: MCPCaller, to output: OutputQueue,
    for request: ActiveRequests.Request
  ) {
    self.token = token
    self.caller = caller
    self.output = output
    self.request = request
  }

  func item(_ item: JSON) async {}

  func progress(done: Int, total: Int) async {
    tell("\(done) of \(total)") {
      $0.done = done
      $0.total = total
      $0.waits = 0
    }
    await output.room()
  }

  func waiting(reason: String, resumeAtMilliseconds: Int64) async {
    let time = WallClock.rfc3339(resumeAtMilliseconds)
    tell("waiting until \(time): \(reason)") { $0.waits = min(99, $0.waits + 1) }
  }

  private func tell(_ message: String, _ change: (inout State) -> Void) {
    // Sent with the lock held, so that the numbers stand in the order of the lines.
    state.withLock { state in
      change(&state)
      guard state.value > state.lastSent else { return }
      state.lastSent = state.value
      request.unlessCancelled { send(state, message) }
    }
  }

  private func send(_ state: State, _ message: String) {
    var writer = JSONWriter()
    Frame.notification("notifications/progress", into: &writer) { writer in
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
    writer.endLine()
    output.append(writer.bytes)
  }
}
