import Basics

/// Collects the responses of one batch and sends them as one array when all are ready (JSON-RPC 2.0
/// section 6).
///
/// The responses hold memory of the `InFlightLimit` until the array is written. A response that does
/// not fit is replaced by an error.
final class Batch: Sendable {
  /// The memory of a response in addition to its text.
  private static let responseBytes = 64

  private struct State {
    var frames: [Frame] = []
    var bytes = 0
    var isFull = false
    /// Members without a response, plus one while the batch is being read.
    var open = 1
  }

  private let monitor = Monitor(State())
  private let limit: InFlightLimit
  private let output: Output

  init(limit: InFlightLimit, output: Output) {
    self.limit = limit
    self.output = output
  }

  /// Whether a response did not fit. Members that have not started then do not start.
  var isFull: Bool { monitor.withLock { $0.isFull } }

  /// Adds a member that gets a response.
  func expect() { monitor.withLock { $0.open += 1 } }

  /// Adds the response of a member.
  ///
  /// - Parameter replacement: the error for a response that does not fit.
  func add(_ frame: Frame, orElse replacement: () -> Frame) {
    var frame = frame
    var isFull = false
    if !limit.holdInBatch(frame.count + Self.responseBytes, isRequired: false) {
      isFull = true
      frame = replacement()
      _ = limit.holdInBatch(frame.count + Self.responseBytes, isRequired: true)
    }
    monitor.withLock { state in
      state.isFull = state.isFull || isFull
      state.bytes += frame.count + Self.responseBytes
      state.frames.append(frame)
    }
    close()
  }

  /// Removes a pending member. The reader also calls it after the last member.
  func close() {
    let (frames, bytes) = monitor.withLock { state -> ([Frame], Int) in
      state.open -= 1
      guard state.open == 0 else { return ([], 0) }
      defer { state.frames = [] }
      return (state.frames, state.bytes)
    }
    // A batch that contains only notifications gets no response.
    guard !frames.isEmpty else { return }
    output.send(
      FrameLines(batch: frames), releasing: .init(heldBytes: bytes, batchBytes: bytes))
  }
}
