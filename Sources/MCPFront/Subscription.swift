import Basics
import JSON
import RPC
import Synchronization

/// A subscription of a stateless client to changes of lists (2026-07-28).
struct Subscription: Sendable {
  let id: RequestID
  let toolsListChanged: Bool
  let promptsListChanged: Bool

  /// The notification that lists the subscribed notifications.
  func acknowledgement(by frames: FrameWriter) -> Frame {
    notification("notifications/subscriptions/acknowledged", by: frames) { writer in
      writer.name("notifications")
      writer.object {
        if toolsListChanged { $0.member("toolsListChanged", true) }
        if promptsListChanged { $0.member("promptsListChanged", true) }
      }
    }
  }

  func sendChanges(on connection: RPC.Connection) {
    if toolsListChanged {
      connection.send(notification("notifications/tools/list_changed", by: connection.frames))
    }
    if promptsListChanged {
      connection.send(notification("notifications/prompts/list_changed", by: connection.frames))
    }
  }

  /// Writes the result that ends it.
  func writeEnd(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("resultType", "complete")
      writeMeta(to: &writer)
    }
  }

  private func notification(
    _ method: StaticString, by frames: FrameWriter, _ write: (inout JSONWriter) -> Void = { _ in }
  ) -> Frame {
    frames.notification(method, redaction: .ownText) { writer in
      writer.object { writer in
        writeMeta(to: &writer)
        write(&writer)
      }
    }
  }

  private func writeMeta(to writer: inout JSONWriter) {
    writer.name("_meta")
    writer.object { writer in
      writer.name(text: MCPMeta.subscription)
      id.write(to: &writer)
    }
  }
}

/// The subscriptions of one connection.
final class Subscriptions: Sendable {
  private let state = Mutex<[(subscription: Subscription, ended: Latch)]>([])

  var count: Int { state.withLock { $0.count } }
  var all: [Subscription] { state.withLock { $0.map(\.subscription) } }

  /// - Returns: the latch that is signalled when the input ends.
  func add(_ subscription: Subscription) -> Latch {
    let ended = Latch()
    state.withLock { $0.append((subscription, ended)) }
    return ended
  }

  func remove(_ subscription: Subscription) {
    state.withLock { $0.removeAll { $0.subscription.id == subscription.id } }
  }

  func end() {
    let latches = state.withLock { state in
      defer { state = [] }
      return state.map(\.ended)
    }
    for latch in latches { latch.signal() }
  }
}
