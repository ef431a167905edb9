import Basics

/// Limits the requests in flight and the memory that they hold.
///
/// A request acquires a slot when it starts, and releases it when its response is written. So if
/// the caller does not read responses, the host stops starting requests. Calls beyond the limit are
/// parked, so that the reading thread still handles control messages. When the memory for parked
/// calls is used up, the reading thread waits.
final class InFlightLimit: Sendable {
  private struct State {
    var inFlight = 0
    /// Requests that wait for something outside the host, without a slot. Includes parked calls.
    var suspended = 0
    /// The suspended requests that have started and still hold their lines.
    var suspendedWithLine = 0
    /// Memory of the lines of requests in flight and of responses that are not written.
    var heldBytes = 0
    /// The part of `heldBytes` that belongs to batches.
    var batchBytes = 0
    var isClosed = false
    /// Tasks that wait for a slot, in order.
    var waiting: [Latch] = []
    /// Waiting tasks that have a slot but have not resumed yet.
    var granted: Set<ObjectIdentifier> = []
    var parked = ParkedCalls()
    /// Calls that have a slot and are about to start. One thread starts them, so that the order of
    /// starts is the order of lines.
    var starting: [ParkedCall] = []
    var isStarting = false

    func hasSlot(_ limits: ConnectionLimits) -> Bool { inFlight < limits.maximumInFlight }

    /// Whether a request with this line may start.
    func admits(_ line: InputLine, _ limits: ConnectionLimits) -> Bool {
      guard hasSlot(limits), waiting.isEmpty, parked.isEmpty, !isStarting else { return false }
      return fits(line, limits)
    }

    private func fits(_ line: InputLine, _ limits: ConnectionLimits) -> Bool {
      // One request always fits.
      inFlight + suspendedWithLine == 0 || heldBytes + line.bytesToHold <= limits.maximumHeldBytes
    }

    mutating func acquire(_ line: InputLine) {
      inFlight += 1
      heldBytes += line.hold()
    }

    /// Assigns free slots to waiting tasks, then to parked calls. After `close`, wakes all tasks and
    /// refuses all parked calls.
    mutating func admitWaiting(_ limits: ConnectionLimits) -> Admitted {
      var admitted = Admitted()
      if isClosed {
        swap(&admitted.latches, &waiting)
        admitted.refused = parked.removeAll()
        return admitted
      }
      while hasSlot(limits), !waiting.isEmpty {
        let latch = waiting.removeFirst()
        inFlight += 1
        granted.insert(ObjectIdentifier(latch))
        admitted.latches.append(latch)
      }
      admitParked(limits)
      if !starting.isEmpty && !isStarting {
        isStarting = true
        admitted.startsCalls = true
      }
      return admitted
    }

    private mutating func admitParked(_ limits: ConnectionLimits) {
      while hasSlot(limits), let next = parked.first, fits(next.line, limits) {
        parked.removeFirst()
        suspended -= 1
        acquire(next.line)
        starting.append(next)
      }
    }

    mutating func nextToStart(_ limits: ConnectionLimits) -> [ParkedCall]? {
      // The reading thread parks a call while this thread starts others, also if a slot is free.
      if starting.isEmpty && !isClosed && waiting.isEmpty { admitParked(limits) }
      guard !starting.isEmpty else {
        isStarting = false
        return nil
      }
      defer { starting = [] }
      return starting
    }
  }

  /// What a thread must do after it released the lock.
  private struct Admitted {
    var latches: [Latch] = []
    var refused: [ParkedCall] = []
    /// Whether this thread starts the calls in `State.starting`.
    var startsCalls = false
  }

  let limits: ConnectionLimits
  private let monitor = Monitor(State())

  init(_ limits: ConnectionLimits) { self.limits = limits }

  var inFlight: Int { monitor.withLock { $0.inFlight } }
  var parkedCount: Int { monitor.withLock { $0.parked.count } }

  /// Acquires a slot if a request with this line may start now.
  func tryAcquire(_ line: InputLine) -> Bool {
    monitor.withLock { state in
      guard !state.isClosed, state.admits(line, limits) else { return false }
      state.acquire(line)
      return true
    }
  }

  enum Admission {
    /// The call has a slot. The caller starts it.
    case admitted
    /// The call starts later, unless `unpark` removes it.
    case parked(UInt64)
    /// Admission is closed.
    case closed
  }

  /// Acquires a slot for a suspended call, or parks the call. Blocks the reading thread while there is
  /// neither a slot nor memory for parked calls.
  func park(_ call: ParkedCall) -> Admission {
    monitor.wait { state -> Admission? in
      if state.isClosed { return .closed }
      if state.admits(call.line, limits) {
        state.suspended -= 1
        state.acquire(call.line)
        return .admitted
      }
      return state.parked.append(call, within: limits.maximumParkedBytes).map { .parked($0) }
    } ?? .closed
  }

  /// - Returns: false if the call has started.
  func unpark(_ number: UInt64) -> Bool {
    let call = monitor.withLock { $0.parked.remove(number) }
    monitor.notify()
    return call != nil
  }

  /// What a request no longer needs.
  struct Release {
    var slots = 0
    /// Memory of responses.
    var heldBytes = 0
    /// The part of `heldBytes` that belongs to batches.
    var batchBytes = 0

    static func += (one: inout Release, other: Release) {
      one.slots += other.slots
      one.heldBytes += other.heldBytes
      one.batchBytes += other.batchBytes
    }
  }

  func release(_ release: Release) {
    guard release.slots > 0 || release.heldBytes > 0 else { return }
    change { state in
      state.inFlight -= release.slots
      state.heldBytes -= release.heldBytes
      state.batchBytes -= release.batchBytes
      precondition(state.inFlight >= 0, "a request was answered twice")
    }
  }

  /// A request has ended.
  ///
  /// - Parameters:
  ///   - line: nil if the request never started.
  ///   - responseBytes: the size of its response, held until `release`.
  func end(_ line: InputLine?, responseBytes: Int) {
    change { $0.heldBytes += responseBytes - (line?.release() ?? 0) }
  }

  /// Holds memory for a response of a batch until `release`.
  ///
  /// - Parameter isRequired: whether to hold it even if it does not fit.
  /// - Returns: whether it is held.
  func holdInBatch(_ bytes: Int, isRequired: Bool) -> Bool {
    monitor.withLock { state in
      guard isRequired || state.batchBytes + bytes <= limits.maximumResultBytes else {
        return false
      }
      state.batchBytes += bytes
      state.heldBytes += bytes
      return true
    }
  }

  /// Closes admission, refuses all parked calls and wakes all waiters.
  func close() { change { $0.isClosed = true } }

  private func change(_ body: (inout State) -> Void) {
    let admitted = monitor.withLock { state in
      body(&state)
      return state.admitWaiting(limits)
    }
    monitor.notify()
    for latch in admitted.latches { latch.signal() }
    for call in admitted.refused { call.refuse(.stopping) }
    guard admitted.startsCalls else { return }
    while let calls = monitor.withLock({ $0.nextToStart(limits) }) {
      for call in calls { call.start() }
    }
    // The reading thread does not start a call while this thread does.
    monitor.notify()
  }

  // MARK: Suspended requests

  /// Releases the slot of a request that continues without one. The host does not exit before the
  /// request ends.
  func suspend() {
    change { state in
      state.inFlight -= 1
      state.suspended += 1
      state.suspendedWithLine += 1
    }
  }

  /// Counts a request that has no slot as suspended.
  func addSuspended() { monitor.withLock { $0.suspended += 1 } }

  /// A suspended request ends without a slot.
  ///
  /// - Parameter heldLine: whether it had started.
  func endSuspended(heldLine: Bool) {
    change { state in
      state.suspended -= 1
      if heldLine { state.suspendedWithLine -= 1 }
    }
  }

  /// Waits for a slot for a suspended request.
  ///
  /// - Returns: false if admission is closed or the task is cancelled. The request stays suspended.
  func resume() async -> Bool {
    let latch = Latch()
    let isAdmitted = monitor.withLock { state -> Bool? in
      if state.isClosed { return false }
      guard state.waiting.isEmpty, state.hasSlot(limits) else {
        state.waiting.append(latch)
        return nil
      }
      state.inFlight += 1
      state.suspended -= 1
      state.suspendedWithLine -= 1
      return true
    }
    if let isAdmitted { return isAdmitted }
    _ = await latch.wait()
    return monitor.withLock { state in
      state.waiting.removeAll { $0 === latch }
      guard state.granted.remove(ObjectIdentifier(latch)) != nil else { return false }
      state.suspended -= 1
      state.suspendedWithLine -= 1
      return true
    }
  }

  // MARK: Draining

  /// Blocks until no request is in flight, suspended or parked.
  ///
  /// - Parameter hurry: returns true to stop waiting.
  /// - Returns: whether all requests have ended.
  func waitUntilEmpty(
    until deadline: Deadline?, orWhen hurry: @escaping @Sendable () -> Bool
  ) -> Bool {
    monitor.wait(until: deadline) { state -> Bool? in
      if state.inFlight == 0, state.suspended == 0 { return true }
      return hurry() ? false : nil
    } ?? false
  }

  /// Makes `waitUntilEmpty` evaluate its condition again.
  func wake() { monitor.notify() }
}
