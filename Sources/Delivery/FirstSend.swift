import Basics
import Synchronization

/// What must be done before the first byte of a request that may change something: records that the
/// command has started.
///
/// One belongs to an invocation. Its steps run once, also if several targets send at the same time.
package final class FirstSend: Sendable {
  /// Milliseconds that the steps may take, such as a wait for the lock of a file.
  package static let patienceMilliseconds = 5_000

  /// - Throws: why nothing may be sent. The step runs again before the next request, if there is one.
  package typealias Step = @Sendable (_ deadline: Deadline) async throws(CommandError) -> Void

  private struct Entry {
    let run: Step
    let undo: (@Sendable () -> Void)?
  }

  private enum Progress {
    case pending
    /// With the senders that wait for the end of the steps.
    case running([Latch])
    case done
  }

  private struct State {
    var progress = Progress.pending
    var pending: [Entry] = []
    /// Steps that are undone if nothing was sent after all.
    var undoable: [Entry] = []
    /// Requests that were sent, and not refused.
    var sent = 0

    /// - Returns: the senders that wait.
    mutating func end(_ progress: Progress) -> [Latch] {
      defer { self.progress = progress }
      if case .running(let waiting) = self.progress { return waiting }
      return []
    }
  }

  private let state = Mutex(State())

  package init() {}

  /// Adds a step behind the others. Call it before anything is sent.
  ///
  /// - Parameter undo: called if the vendor refused all requests so far. The step then runs again before
  ///   the next one.
  package func add(undo: (@Sendable () -> Void)? = nil, _ step: @escaping Step) {
    state.withLock { $0.pending.append(Entry(run: step, undo: undo)) }
  }

  private enum Turn {
    case run(Entry)
    case wait(Latch)
    case done
  }

  /// - Parameter ended: the step that this caller has just run.
  private func turn(after ended: Entry?) -> Turn {
    let (turn, waiting) = state.withLock { state -> (Turn, [Latch]) in
      if let ended {
        state.pending.removeFirst()
        if ended.undo != nil { state.undoable.append(ended) }
      } else if case .running(let waiting) = state.progress {
        let latch = Latch()
        state.progress = .running(waiting + [latch])
        return (.wait(latch), [])
      }
      if let next = state.pending.first {
        if ended == nil { state.progress = .running([]) }
        return (.run(next), [])
      }
      state.sent += 1
      return (.done, state.end(.done))
    }
    for latch in waiting { latch.signal() }
    return turn
  }

  /// Returns when the steps are done, which they usually are. The caller must send a request then.
  ///
  /// - Throws: the error of a step, or at the deadline.
  package func pass(until deadline: Deadline) async throws(CommandError) {
    var ended: Entry?
    while true {
      switch turn(after: ended) {
      case .done: return
      case .wait(let latch):
        guard await latch.wait(until: deadline) else {
          throw Task.isCancelled
            ? .cancelled(outcome: .notApplied)
            : .timeout("Waiting for other requests", outcome: .notApplied)
        }
      case .run(let entry):
        do throws(CommandError) {
          try await entry.run(deadline)
          ended = entry
        } catch {
          let waiting = state.withLock { $0.end(.pending) }
          for latch in waiting { latch.signal() }
          throw error
        }
      }
    }
  }

  /// The last request had no effect for certain: it did not arrive, or the rate limit refused it.
  func refused() {
    state.withLock { state in
      state.sent -= 1
      guard state.sent == 0, case .done = state.progress else { return }
      for entry in state.undoable { entry.undo?() }
      state.pending = state.undoable
      state.undoable = []
    }
  }
}
