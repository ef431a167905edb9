import Basics

/// Collects the responses of one batch and sends them as one array when all are ready (JSON-RPC 2.0
/// section 6).
final class Batch: Sendable {
  private struct State {
    var frames: [Frame] = []
    /// Members without a response, plus one while the batch is being read.
    var open = 1
  }

  private let monitor = Monitor(State())
  private let send: @Sendable (FrameLines) -> Void

  init(send: @escaping @Sendable (FrameLines) -> Void) { self.send = send }

  /// Adds a member that gets a response.
  func expect() { monitor.withLock { $0.open += 1 } }

  func add(_ frame: Frame) {
    monitor.withLock { $0.frames.append(frame) }
    close()
  }

  /// Removes a pending member. The reader also calls it after the last member.
  func close() {
    let frames = monitor.withLock { state -> [Frame]? in
      state.open -= 1
      return state.open == 0 ? state.frames : nil
    }
    // A batch that contains only notifications gets no response.
    guard let frames, !frames.isEmpty else { return }
    send(FrameLines(batch: frames))
  }
}
