import Basics
import RPC
import Synchronization

/// The requests under way, to find one by its id and to end them all.
final class ActiveRequests: Sendable {
  enum CancelReason: Sendable { case caller, draining, outputGone }

  /// One request under way.
  final class Request: Sendable {
    private struct State {
      var task: Task<Void, Never>?
      var reason: CancelReason?
    }

    let id: RequestID?
    private let state = Mutex(State())

    init(id: RequestID?) { self.id = id }

    /// Does something that nobody may see behind a cancellation.
    func unlessCancelled(_ body: () -> Void) {
      state.withLock { if $0.reason == nil { body() } }
    }

    var cancelReason: CancelReason? { state.withLock { $0.reason } }

    func run(_ task: Task<Void, Never>) {
      let isCancelled = state.withLock { state in
        state.task = task
        return state.reason != nil
      }
      if isCancelled { task.cancel() }
    }

    func cancel(_ reason: CancelReason) {
      let task = state.withLock { state in
        state.reason = state.reason ?? reason
        return state.task
      }
      task?.cancel()
    }
  }

  private struct State {
    var byID: [RequestID: Request] = [:]
    var all: [ObjectIdentifier: Request] = [:]
  }

  private let state = Mutex(State())

  /// - Returns: nil when the id is that of a request under way. Null is no name: any number of
  ///   requests may have it.
  func begin(_ id: RequestID?) -> Request? {
    let request = Request(id: id)
    return state.withLock { state in
      if let id, !id.isNull {
        guard state.byID[id] == nil else { return nil }
        state.byID[id] = request
      }
      state.all[ObjectIdentifier(request)] = request
      return request
    }
  }

  func isActive(_ id: RequestID) -> Bool {
    state.withLock { !$0.byID.isEmpty && $0.byID[id] != nil }
  }

  func end(_ request: Request) {
    state.withLock { state in
      state.all[ObjectIdentifier(request)] = nil
      if let id = request.id, state.byID[id] === request { state.byID[id] = nil }
    }
  }

  /// - Returns: whether there was such a request.
  func cancel(_ id: RequestID) -> Bool {
    let request = state.withLock { $0.byID[id] }
    request?.cancel(.caller)
    return request != nil
  }

  func cancelAll(_ reason: CancelReason) {
    for request in state.withLock({ Array($0.all.values) }) { request.cancel(reason) }
  }
}
