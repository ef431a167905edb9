import Basics
import RPC

/// Gathers the answers of one batch and sends them as one array when the last one has come
/// (JSON-RPC 2.0 section 6).
final class BatchSink: Sendable {
  private struct State {
    var frames: [[UInt8]] = []
    /// Members that are not answered yet, and the batch itself while it is being read.
    var open = 1
  }

  private let monitor = Monitor(State())
  private let send: @Sendable ([UInt8]) -> Void

  init(send: @escaping @Sendable ([UInt8]) -> Void) { self.send = send }

  /// One more member that will be answered.
  func expect() { monitor.withLock { $0.open += 1 } }

  /// Takes one response, without a line end.
  func answer(_ frame: [UInt8]) {
    monitor.withLock { $0.frames.append(frame) }
    close()
  }

  /// One member less to wait for; the reader calls it too, when it has seen all members.
  func close() {
    let frames = monitor.withLock { state -> [[UInt8]]? in
      state.open -= 1
      return state.open == 0 ? state.frames : nil
    }
    // A batch of notifications is not answered at all.
    guard let frames, !frames.isEmpty else { return }
    var line: [UInt8] = [UInt8(ascii: "[")]
    for (position, frame) in frames.enumerated() {
      if position > 0 { line.append(UInt8(ascii: ",")) }
      line.append(contentsOf: frame)
    }
    line.append(UInt8(ascii: "]"))
    send(line)
  }
}
