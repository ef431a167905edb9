import Basics

/// Limits the requests in flight.
///
/// A request acquires a slot when it is accepted, and releases it when its response is written. So if
/// the caller does not read responses, the host stops reading requests.
final class InFlightLimit: Sendable {
  private struct State {
    var inFlight = 0
    /// Requests that wait for something outside the host, without a slot.
    var suspended = 0
    var isClosed = false
    /// Tasks that wait for a slot, in order.
    var waiting: [Latch] = []
    /// Waiting tasks that have a slot but have not resumed yet.
    var granted: Set<ObjectIdentifier> = []

    /// Assigns free slots to waiting tasks. After `close`, wakes all of them without a slot.
    ///
    /// - Returns: the latches to signal.
    mutating func admitWaiting(_ maximum: Int) -> [Latch] {
      guard !waiting.isEmpty else { return [] }
      let count = isClosed ? waiting.count : min(waiting.count, max(0, maximum - inFlight))
      let admitted = Array(waiting.prefix(count))
      waiting.removeFirst(count)
      if !isClosed {
        inFlight += count
        granted.formUnion(admitted.map { ObjectIdentifier($0) })
      }
      return admitted
    }
  }

  let maximum: Int
  private let monitor = Monitor(State())

  init(maximum: Int) { self.maximum = maximum }

  var inFlight: Int { monitor.withLock { $0.inFlight } }

  /// Blocks the reading thread until a slot is free.
  ///
  /// - Returns: false if admission is closed.
  func acquire() -> Bool {
    monitor.wait { state -> Bool? in
      if state.isClosed { return false }
      guard state.inFlight < self.maximum else { return nil }
      state.inFlight += 1
      return true
    } ?? false
  }

  func release(_ count: Int = 1) {
    guard count > 0 else { return }
    let admitted = monitor.withLock { state in
      state.inFlight -= count
      precondition(state.inFlight >= 0, "a request was answered twice")
      return state.admitWaiting(maximum)
    }
    signal(admitted)
    monitor.notify()
  }

  /// Closes admission and wakes all waiters.
  func close() {
    let admitted = monitor.withLock { state in
      state.isClosed = true
      return state.admitWaiting(maximum)
    }
    signal(admitted)
    monitor.notify()
  }

  private func signal(_ latches: [Latch]) {
    for latch in latches { latch.signal() }
  }

  // MARK: Suspended requests

  /// Releases the slot of a request that continues without one. The host does not exit before the
  /// request ends.
  func suspend() {
    let admitted = monitor.withLock { state in
      state.inFlight -= 1
      state.suspended += 1
      return state.admitWaiting(maximum)
    }
    signal(admitted)
    monitor.notify()
  }

  /// Counts a request that never had a slot as suspended.
  func addSuspended() { monitor.withLock { $0.suspended += 1 } }

  /// A suspended request ends without a slot.
  func endSuspended() {
    monitor.withLock { $0.suspended -= 1 }
    monitor.notify()
  }

  /// Waits for a slot for a suspended request.
  ///
  /// - Returns: false if admission is closed or the task is cancelled. The request stays suspended.
  func resume() async -> Bool {
    let latch = Latch()
    let isAdmitted = monitor.withLock { state -> Bool? in
      if state.isClosed { return false }
      guard state.waiting.isEmpty, state.inFlight < maximum else {
        state.waiting.append(latch)
        return nil
      }
      state.inFlight += 1
      state.suspended -= 1
      return true
    }
    if let isAdmitted { return isAdmitted }
    _ = await latch.wait()
    return monitor.withLock { state in
      state.waiting.removeAll { $0 === latch }
      guard state.granted.remove(ObjectIdentifier(latch)) != nil else { return false }
      state.suspended -= 1
      return true
    }
  }

  // MARK: Draining

  /// Blocks until no request is in flight or suspended.
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
