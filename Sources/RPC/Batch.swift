import Basics

/// Gathers the responses of one batch and sends them as one array when the last one has come
/// (JSON-RPC 2.0 section 6).
final class Batch: Sendable {
  private struct State {
    var frames: [Frame] = []
    /// Members without a response yet, and the batch itself while it is being read.
    var open = 1
  }

  private let monitor = Monitor(State())
  private let send: @Sendable (FrameLines) -> Void

  init(send: @escaping @Sendable (FrameLines) -> Void) { self.send = send }

  /// One more member that gets a response.
  func expect() { monitor.withLock { $0.open += 1 } }

  func add(_ frame: Frame) {
    monitor.withLock { $0.frames.append(frame) }
    close()
  }

  /// One member less to wait for. The reader also calls it when it has seen all members.
  func close() {
    let frames = monitor.withLock { state -> [Frame]? in
      state.open -= 1
      return state.open == 0 ? state.frames : nil
    }
    // A batch of notifications gets no response at all.
    guard let frames, !frames.isEmpty else { return }
    send(FrameLines(batch: frames))
  }
}
