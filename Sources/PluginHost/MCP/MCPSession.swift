import Basics
import JSON
import Synchronization

/// One running MCP server: how to speak with it, and which of its tools may not be called.
final class MCPSession: Sendable {
  private struct State {
    /// What it must say about its tools.
    var locked: PluginCatalogue?
    /// The changes of tools, by the ids of their commands.
    var changes: [String: String] = [:]
    /// The number of times that it said that its tools have changed.
    var announced = 0
    /// The value of `announced` that the last look at its tools covers.
    var seen = 0
    var isLooking = false
    var waiting: [Latch] = []
  }

  let server: MCPHandshake.Server
  private let state = Mutex(State())

  init(_ server: MCPHandshake.Server) { self.server = server }

  var revision: MCPRevision { server.revision }

  /// What it must say about its tools from now on.
  func setLock(_ catalogue: PluginCatalogue) { state.withLock { $0.locked = catalogue } }

  // MARK: Changes

  /// Compares its tools with the lock.
  ///
  /// - Returns: how they differ.
  func compare(_ described: PluginCatalogue) -> PluginDifference? {
    guard let locked = state.withLock({ $0.locked }) else { return nil }
    // A server may call itself by the account that it serves.
    let difference = PluginDifference(
      from: locked.source, to: described.source, ignoring: ["title", "description"])
    state.withLock { state in
      state.changes = [:]
      for change in difference.changes {
        if let command = change.command { state.changes[command] = change.line }
      }
    }
    return difference
  }

  /// How a tool differs from the lock; nil if it does not.
  func change(of command: String) -> String? { state.withLock { $0.changes[command] } }

  // MARK: Announcements

  /// The server says that its tools have changed.
  ///
  /// - Returns: whether to look at them; otherwise somebody does.
  func announce() -> Bool {
    state.withLock { state in
      state.announced += 1
      defer { state.isLooking = true }
      return !state.isLooking
    }
  }

  /// A look begins.
  ///
  /// - Returns: what to pass to `endLook`.
  func beginLook() -> Int { state.withLock { $0.announced } }

  /// - Returns: whether to look again, because the tools have changed meanwhile.
  func endLook(_ covered: Int) -> Bool {
    let (latches, again) = state.withLock { state -> ([Latch], Bool) in
      state.seen = covered
      state.isLooking = state.announced > covered
      defer { state.waiting = [] }
      return (state.waiting, state.isLooking)
    }
    for latch in latches { latch.signal() }
    return again
  }

  /// Waits until the tools are known as they were when this was called.
  ///
  /// - Returns: false if the deadline passed or the task was cancelled first.
  func settled(until deadline: Deadline) async -> Bool {
    let wanted = state.withLock { $0.announced }
    while true {
      let latch = state.withLock { state -> Latch? in
        guard state.seen < wanted, state.isLooking else { return nil }
        let latch = Latch()
        state.waiting.append(latch)
        return latch
      }
      guard let latch else { return true }
      guard await latch.wait(until: deadline) else { return false }
    }
  }
}
