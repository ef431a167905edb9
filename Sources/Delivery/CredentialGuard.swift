import Basics
import Synchronization

/// Keeps the members of a fan-out from sending with credentials that the vendor refuses.
///
/// After a 401 the other members wait until the member that got it has signed in again. If that
/// fails, members whose request is in flight finish, and nothing more is sent.
package final class CredentialGuard: Sendable {
  private struct State {
    /// The error of the member whose credentials were refused.
    var refusal: CommandError?
    /// Set before the members are cancelled: otherwise the slot of a cancelled one could go to one
    /// that is not cancelled yet, which would send.
    var isCancelled = false
    /// Members that got 401 and may still sign in again.
    var pending: Set<Int> = []
    var waitingForPending: [Latch] = []
    /// Cancel the members that have no request in flight, and those that have.
    var waiting: [Int: @Sendable () -> Void] = [:]
    var sending: [Int: @Sendable () -> Void] = [:]

    /// - Returns: the members that waited for it.
    mutating func removePending(_ member: Int) -> [Latch] {
      guard pending.remove(member) != nil, pending.isEmpty else { return [] }
      defer { waitingForPending = [] }
      return waitingForPending
    }
  }

  private let state = Mutex(State())

  package init() {}

  /// The error that stopped the rest.
  package var refusal: CommandError? { state.withLock { $0.refusal } }

  /// Runs one member in a separate task, which a refusal cancels unless its request is in flight.
  ///
  /// - Parameter work: sends through the gate.
  package func run<Value: Sendable>(
    _ member: Int,
    _ work: @escaping @Sendable (any SendGate) async throws(CommandError) -> Value
  ) async -> Result<Value, CommandError> {
    guard !Task.isCancelled else { return .failure(.cancelled(outcome: .notApplied)) }
    let gate = Gate(credentials: self, member: member)
    let task = state.withLock { state -> Task<Result<Value, CommandError>, Never>? in
      guard state.refusal == nil else { return nil }
      let task = Task { () -> Result<Value, CommandError> in
        do throws(CommandError) {
          return .success(try await work(gate))
        } catch {
          return .failure(error)
        }
      }
      state.waiting[member] = { task.cancel() }
      return task
    }
    guard let task else { return .failure(Self.notSent) }
    let result = await withTaskCancellationHandler {
      await task.value
    } onCancel: {
      state.withLock { $0.isCancelled = true }
      task.cancel()
    }
    return finish(member, result)
  }

  private struct Gate: SendGate {
    let credentials: CredentialGuard
    let member: Int

    func enter() -> SendPermit { credentials.enter(member) }
    func leave(status: Int?) { credentials.leave(member, status) }
  }

  private func enter(_ member: Int) -> SendPermit {
    state.withLock { state in
      if state.refusal != nil || state.isCancelled { return .stop }
      if !state.pending.isEmpty, !state.pending.contains(member) {
        let latch = Latch()
        state.waitingForPending.append(latch)
        return .wait(latch)
      }
      state.sending[member] = state.waiting.removeValue(forKey: member)
      return .proceed
    }
  }

  private func leave(_ member: Int, _ status: Int?) {
    let latches = state.withLock { state -> [Latch] in
      state.waiting[member] = state.sending.removeValue(forKey: member)
      guard status == 401 else { return state.removePending(member) }
      state.pending.insert(member)
      return []
    }
    for latch in latches { latch.signal() }
  }

  private func finish<Value>(
    _ member: Int, _ result: Result<Value, CommandError>
  ) -> Result<Value, CommandError> {
    var stopped: [@Sendable () -> Void] = []
    var latches: [Latch] = []
    let isCancelled = state.withLock { state in
      state.waiting[member] = nil
      state.sending[member] = nil
      if case .failure(let error) = result, state.refusal == nil, error.kind == .auth,
        error.statusCode == 401
      {
        state.refusal = error
        stopped = Array(state.waiting.values)
      }
      latches = state.removePending(member)
      return state.isCancelled
    }
    for cancel in stopped { cancel() }
    for latch in latches { latch.signal() }
    guard case .failure(let error) = result, error.kind == .cancelled, !isCancelled,
      !Task.isCancelled, error.outcome == .notApplied
    else { return result }
    return .failure(Self.notSent)
  }

  private static let notSent = CommandError(
    .auth, "Not sent, since the credentials were refused for another target.",
    remedy: "Check the credentials of the connection, then repeat it for this target.")
}
