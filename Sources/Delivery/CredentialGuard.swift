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
    /// By number. The numbers of a fan-out are positions, so none is large.
    private var members: [Member] = []
    /// The members that are pending.
    private(set) var pendingCount = 0
    var waitingForPending: [Latch] = []

    struct Member {
      /// Cancels it; nil before it starts, and after its end.
      var cancel: (@Sendable () -> Void)?
      /// Whether its request is in flight.
      var isSending = false
      /// Whether it got 401 and may still sign in again.
      var isPending = false
    }

    subscript(member: Int) -> Member {
      get { member < members.count ? members[member] : Member() }
      set {
        if member >= members.count {
          members += Array(repeating: Member(), count: member + 1 - members.count)
        }
        pendingCount += (newValue.isPending ? 1 : 0) - (members[member].isPending ? 1 : 0)
        members[member] = newValue
      }
    }

    /// Cancels of the members without a request in flight.
    var cancelsOfWaiting: [@Sendable () -> Void] {
      members.compactMap { $0.isSending ? nil : $0.cancel }
    }

    /// - Returns: the members that waited for it.
    mutating func removePending(_ member: Int) -> [Latch] {
      guard self[member].isPending else { return [] }
      self[member].isPending = false
      guard pendingCount == 0 else { return [] }
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
  /// Inlinable, so that it is compiled for the type of each caller.
  ///
  /// - Parameter work: sends through the gate.
  @inlinable
  package func run<Value: Sendable>(
    _ member: Int,
    _ work: @escaping @Sendable (any SendGate) async throws(CommandError) -> Value
  ) async -> Result<Value, CommandError> {
    guard !Task.isCancelled else { return .failure(.cancelled(outcome: .notApplied)) }
    let gate = gate(of: member)
    var started: Task<Result<Value, CommandError>, Never>?
    start(member) {
      let task = Task { () -> Result<Value, CommandError> in
        do throws(CommandError) {
          return .success(try await work(gate))
        } catch {
          return .failure(error)
        }
      }
      started = task
      return { task.cancel() }
    }
    guard let task = started else { return .failure(Self.notSent) }
    let result = await withTaskCancellationHandler {
      await task.value
    } onCancel: {
      willCancel()
      task.cancel()
    }
    if case .failure(let error) = result {
      return .failure(finish(member, error) ?? error)
    }
    _ = finish(member, nil)
    return result
  }

  @usableFromInline
  func gate(of member: Int) -> any SendGate { Gate(credentials: self, member: member) }

  /// Starts the task of a member, unless credentials were refused.
  ///
  /// - Parameter task: starts it; returns the function that cancels it.
  @usableFromInline
  func start(_ member: Int, task: () -> @Sendable () -> Void) {
    state.withLock { state in
      if state.refusal == nil { state[member].cancel = task() }
    }
  }

  @usableFromInline
  func willCancel() { state.withLock { $0.isCancelled = true } }

  private struct Gate: SendGate {
    let credentials: CredentialGuard
    let member: Int

    func enter() -> SendPermit { credentials.enter(member) }
    func leave(status: Int?) { credentials.leave(member, status) }
  }

  private func enter(_ member: Int) -> SendPermit {
    state.withLock { state in
      if state.refusal != nil || state.isCancelled { return .stop }
      if state.pendingCount > 0, !state[member].isPending {
        let latch = Latch()
        state.waitingForPending.append(latch)
        return .wait(latch, for: .signIn(isShared: true))
      }
      state[member].isSending = true
      return .proceed
    }
  }

  private func leave(_ member: Int, _ status: Int?) {
    let latches = state.withLock { state -> [Latch] in
      state[member].isSending = false
      guard status == 401 else { return state.removePending(member) }
      state[member].isPending = true
      return []
    }
    for latch in latches { latch.signal() }
  }

  /// - Parameter error: nil if the member succeeded.
  /// - Returns: the error in its place; nil if there is none.
  @usableFromInline
  func finish(_ member: Int, _ error: CommandError?) -> CommandError? {
    var stopped: [@Sendable () -> Void] = []
    var latches: [Latch] = []
    let isCancelled = state.withLock { state in
      state[member].cancel = nil
      state[member].isSending = false
      if let error, state.refusal == nil, error.kind == .auth, error.statusCode == 401 {
        state.refusal = error
        stopped = state.cancelsOfWaiting
      }
      latches = state.removePending(member)
      return state.isCancelled
    }
    for cancel in stopped { cancel() }
    for latch in latches { latch.signal() }
    guard let error, error.kind == .cancelled, !isCancelled, !Task.isCancelled,
      error.outcome == .notApplied
    else { return nil }
    return Self.notSent
  }

  @usableFromInline static let notSent = CommandError(
    .auth, "Not sent, since the credentials were refused for another target.",
    remedy: "Check the credentials of the connection, then repeat it for this target.")
}
