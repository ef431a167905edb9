import Basics
import Synchronization

/// The requests in flight, for cancellation.
final class RequestsInFlight: Sendable {
  private struct State {
    var byID: [RequestID: InFlightRequest] = [:]
    var all: [ObjectIdentifier: InFlightRequest] = [:]
  }

  private let state = Mutex(State())

  /// Adds a request. Any number of requests may have a null id, which identifies none of them.
  func add(_ request: InFlightRequest) {
    state.withLock { state in
      if let id = request.id, !id.isNull {
        precondition(state.byID[id] == nil, "the id was used between the check and the start")
        state.byID[id] = request
      }
      state.all[ObjectIdentifier(request)] = request
    }
  }

  func contains(_ id: RequestID) -> Bool {
    state.withLock { !$0.byID.isEmpty && $0.byID[id] != nil }
  }

  func remove(_ request: InFlightRequest) {
    state.withLock { state in
      state.all[ObjectIdentifier(request)] = nil
      if let id = request.id, state.byID[id] === request { state.byID[id] = nil }
    }
  }

  /// - Returns: whether a request with this id was in flight.
  func cancel(_ id: RequestID) -> Bool {
    let request = state.withLock { $0.byID[id] }
    request?.cancel(.caller)
    return request != nil
  }

  func cancelAll(_ reason: CancelReason) {
    for request in state.withLock({ Array($0.all.values) }) { request.cancel(reason) }
  }
}
