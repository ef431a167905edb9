import Synchronization

/// A one-time signal that one task waits for.
///
/// A queue of waiting tasks (for a slot, a token or queue space) is a list of latches, guarded by
/// the lock of the resource.
public final class Latch: Sendable {
  private enum State {
    case idle
    case waiting(CheckedContinuation<Bool, Never>)
    case ended(signalled: Bool)
  }

  private let state = Mutex(State.idle)

  public init() {}

  /// Signals the waiter. Has no effect if the wait has already ended.
  ///
  /// - Returns: false if the waiter has given up. The caller must then pass the resource to the
  ///   next waiter.
  @discardableResult
  public func signal() -> Bool { end(signalled: true) }

  /// Waits until the signal, the deadline or the cancellation of the task.
  ///
  /// - Returns: true if the signal arrived.
  public func wait(until deadline: Deadline? = nil) async -> Bool {
    guard let deadline else { return await waitWithoutDeadline() }
    return await wait(untilLatestOf: { deadline })
  }

  /// The same, with a deadline that may be extended during the wait.
  public func wait(untilLatestOf deadline: @escaping @Sendable () -> Deadline) async -> Bool {
    await wait(on: .system, untilLatestOf: deadline)
  }

  package func wait(
    on time: TimeSource, untilLatestOf deadline: @escaping @Sendable () -> Deadline
  ) async -> Bool {
    if case .system = time { return await waitOnSystem(untilLatestOf: deadline) }
    let alarm = Task {
      while !Task.isCancelled {
        let remaining = time.milliseconds(until: deadline())
        if remaining == 0 {
          end(signalled: false)
          return
        }
        await time.pause(milliseconds: remaining)
      }
    }
    defer { alarm.cancel() }
    return await waitWithoutDeadline()
  }

  /// The same without a task for the alarm, which would wake another thread for each wait.
  private func waitOnSystem(untilLatestOf deadline: @escaping @Sendable () -> Deadline) async
    -> Bool
  {
    let alarm = LatchAlarm(self, untilLatestOf: deadline)
    alarm.start()
    defer { alarm.stop() }
    return await waitWithoutDeadline()
  }

  fileprivate func deadlinePassed() { end(signalled: false) }

  private func waitWithoutDeadline() async -> Bool {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let ended = state.withLock { state -> Bool? in
          if case .ended(let signalled) = state { return signalled }
          state = .waiting(continuation)
          return nil
        }
        if let ended { continuation.resume(returning: ended) }
      }
    } onCancel: {
      end(signalled: false)
    }
  }

  @discardableResult
  private func end(signalled: Bool) -> Bool {
    let (won, continuation) = state.withLock { state in
      switch state {
      case .idle:
        state = .ended(signalled: signalled)
        return (true, CheckedContinuation<Bool, Never>?.none)
      case .waiting(let continuation):
        state = .ended(signalled: signalled)
        return (true, continuation)
      case .ended(let before):
        return (before && signalled, nil)
      }
    }
    continuation?.resume(returning: signalled)
    return won
  }
}

/// The deadline of a wait, which may be extended meanwhile.
private final class LatchAlarm: Sendable {
  private let latch: Latch
  private let deadline: @Sendable () -> Deadline
  /// Nil before the start and after the end.
  private let timer = Mutex<PoolTimer?>(nil)
  private let isStopped = Atomic(false)

  init(_ latch: Latch, untilLatestOf deadline: @escaping @Sendable () -> Deadline) {
    self.latch = latch
    self.deadline = deadline
  }

  func start() {
    let next = deadline()
    guard !next.hasPassed else { return latch.deadlinePassed() }
    let timer = PoolTimer(at: next.time) { [self] in start() }
    let isStopped = self.timer.withLock { current in
      current = timer
      return self.isStopped.load(ordering: .acquiring)
    }
    if !isStopped { TaskPool.shared.add(timer) }
  }

  func stop() {
    isStopped.store(true, ordering: .releasing)
    let timer = timer.withLock { $0.take() }
    if let timer { TaskPool.shared.remove(timer) }
  }
}
