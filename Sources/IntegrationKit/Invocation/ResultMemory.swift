import Basics
import Delivery
import Synchronization

/// The memory of the results of all invocations of a host.
///
/// One result has a limit. All together have one too: above it, only the oldest invocation that holds
/// memory sends further requests. It ends at its own limit, so the others always continue.
public final class ResultMemory: Sendable {
  /// The default of --max-result-bytes.
  public static let defaultResultBytes = 64 * 1_024 * 1_024

  private struct State {
    /// By number of the holder, in the order in which they started to hold memory.
    var bytes: [UInt64: Int] = [:]
    var total = 0
    var lastHolder: UInt64 = 0
    var waiting: [Latch] = []
  }

  /// Maximum memory of one result in bytes.
  package let maximumResultBytes: Int
  private var maximumTotalBytes: Int { 2 * maximumResultBytes }
  private let state = Mutex(State())

  public init(maximumResultBytes: Int = ResultMemory.defaultResultBytes) {
    self.maximumResultBytes = maximumResultBytes
  }

  /// Adds to the memory of a holder.
  ///
  /// - Parameter holder: nil for a new one.
  /// - Returns: the holder.
  fileprivate func add(_ bytes: Int, to holder: UInt64?) -> UInt64 {
    let (number, waiting) = state.withLock { state -> (UInt64, [Latch]) in
      if holder == nil { state.lastHolder += 1 }
      let number = holder ?? state.lastHolder
      state.bytes[number, default: 0] += bytes
      state.total += bytes
      guard bytes < 0 else { return (number, []) }
      defer { state.waiting = [] }
      return (number, state.waiting)
    }
    for latch in waiting { latch.signal() }
    return number
  }

  fileprivate func release(_ holder: UInt64) {
    let waiting = state.withLock { state in
      state.total -= state.bytes.removeValue(forKey: holder) ?? 0
      defer { state.waiting = [] }
      return state.waiting
    }
    for latch in waiting { latch.signal() }
  }

  /// Whether an invocation may hold more memory.
  ///
  /// - Parameter holder: nil if it holds none yet.
  fileprivate func permit(for holder: UInt64?) -> SendPermit {
    state.withLock { state in
      if state.total <= maximumTotalBytes { return .proceed }
      if let holder, holder == state.bytes.keys.min() { return .proceed }
      let latch = Latch()
      state.waiting.append(latch)
      return .wait(latch, for: .queue)
    }
  }
}

/// The part of one invocation in the memory of the results.
final class ResultShare: SendGate {
  private struct State {
    /// In `ResultMemory`; nil if no memory was held yet.
    var holder: UInt64?
    /// Of the result alone, without responses that are not part of it yet.
    var resultBytes = 0
    var isReleased = false
  }

  private let results: ResultMemory
  private let state = Mutex(State())

  init(_ results: ResultMemory) { self.results = results }

  var maximumBytes: Int { results.maximumResultBytes }

  /// Adds to the memory of the result.
  ///
  /// - Returns: the memory of the whole result in bytes.
  func addToResult(_ bytes: Int) -> Int {
    add(bytes)
    return state.withLock { state in
      state.resultBytes += bytes
      return state.resultBytes
    }
  }

  /// Adds to the memory of responses, or removes from it.
  func add(_ bytes: Int) {
    guard bytes != 0 else { return }
    state.withLock { state in
      if !state.isReleased { state.holder = results.add(bytes, to: state.holder) }
    }
  }

  func release() {
    state.withLock { state in
      state.isReleased = true
      if let holder = state.holder.take() { results.release(holder) }
    }
  }

  func enter() -> SendPermit { results.permit(for: state.withLock { $0.holder }) }

  func leave(status: Int?) {}
}
