import Basics
import Synchronization

/// The memory of one input line. The requests of a batch share it.
///
/// The counts are accessed only with the lock of the `InFlightLimit` held.
final class InputLine: @unchecked Sendable {
  // @unchecked: see above.
  /// The text of the line and its index.
  let bytes: Int
  private var inFlight = 0
  fileprivate var parked = 0

  init(bytes: Int) { self.bytes = bytes }

  /// The memory that one more request in flight holds.
  var bytesToHold: Int { inFlight == 0 ? bytes : 0 }

  /// - Returns: the memory that is now held in addition.
  func hold() -> Int {
    defer { inFlight += 1 }
    return bytesToHold
  }

  /// - Returns: the memory that is no longer held.
  func release() -> Int {
    inFlight -= 1
    precondition(inFlight >= 0, "a line was released twice")
    return bytesToHold
  }
}

/// A call that waits for a slot. It is in flight for duplicate ids and for `cancel`.
final class ParkedCall: Sendable {
  /// The memory of a parked call in addition to its line.
  static let ownBytes = 512

  let line: InputLine
  private let accepted: AcceptedRequest
  private let run: @Sendable (AcceptedRequest) -> Void
  private let alarm = Mutex<Alarm>(.none)

  private enum Alarm {
    case none
    case set(Task<Void, Never>)
    /// The call is no longer parked.
    case over
  }

  init(_ accepted: AcceptedRequest, run: @escaping @Sendable (AcceptedRequest) -> Void) {
    self.accepted = accepted
    line = accepted.line
    self.run = run
  }

  /// Starts the call, which has a slot.
  func start() {
    endWatching()
    accepted.request.slotWasAcquired()
    accepted.start(run)
  }

  /// Responds with an error. The call has not started.
  func refuse(_ refusal: Refusal) {
    endWatching()
    accepted.finish(refusing: refusal)
  }

  func refuseCancelled() { refuse(.cancelled(accepted.request.cancelReason ?? .caller)) }

  /// Calls `body` at the deadline, unless the call is no longer parked.
  func watch(_ deadline: Deadline, _ body: @escaping @Sendable (ParkedCall) -> Void) {
    let task = Task.detached { [weak self] in
      await Task.pause(milliseconds: deadline.remainingMilliseconds)
      if !Task.isCancelled, let self { body(self) }
    }
    let isOver = alarm.withLock { alarm in
      if case .over = alarm { return true }
      alarm = .set(task)
      return false
    }
    if isOver { task.cancel() }
  }

  private func endWatching() {
    let old = alarm.withLock { alarm in
      defer { alarm = .over }
      return alarm
    }
    if case .set(let task) = old { task.cancel() }
  }
}

/// The parked calls in the order of their lines.
struct ParkedCalls {
  /// By number, so that a cancelled call is removed at once.
  private var calls: [UInt64: ParkedCall] = [:]
  private var firstNumber: UInt64 = 0
  private var endNumber: UInt64 = 0
  private var bytes = 0

  var isEmpty: Bool { calls.isEmpty }
  var count: Int { calls.count }

  var first: ParkedCall? {
    mutating get {
      guard !calls.isEmpty else { return nil }
      while true {
        if let call = calls[firstNumber] { return call }
        firstNumber += 1
      }
    }
  }

  /// - Returns: the number of the call; nil if it does not fit.
  mutating func append(_ call: ParkedCall, within maximumBytes: Int) -> UInt64? {
    let more = ParkedCall.ownBytes + (call.line.parked == 0 ? call.line.bytes : 0)
    guard bytes + more <= maximumBytes else { return nil }
    bytes += more
    call.line.parked += 1
    defer { endNumber += 1 }
    calls[endNumber] = call
    return endNumber
  }

  mutating func remove(_ number: UInt64) -> ParkedCall? {
    guard let call = calls.removeValue(forKey: number) else { return nil }
    call.line.parked -= 1
    bytes -= ParkedCall.ownBytes + (call.line.parked == 0 ? call.line.bytes : 0)
    return call
  }

  mutating func removeFirst() {
    _ = first
    _ = remove(firstNumber)
  }

  /// - Returns: the calls in order.
  mutating func removeAll() -> [ParkedCall] {
    let all = calls.keys.sorted()
    return all.compactMap { remove($0) }
  }
}
