import Basics
import JSON

/// Isolates endpoints from the network and restores them.
extension GravityZoneCall {
  func isolate(_ state: inout GravityZoneState) throws(GravityZoneError) -> JSONFragment {
    let indices = try endpointIndices(state)
    for index in indices where !state.endpoints[index].isManaged { throw .notManaged }
    for index in indices {
      switch state.endpoints[index].isolation {
      // A repeated request does not change the state.
      case .isolating, .isolated: break
      case .none, .restoring:
        state.endpoints[index].isolation = .isolating(
          until: now + GravityZoneState.isolationSeconds)
      }
    }
    return tasks(for: indices, &state)
  }

  func restore(_ state: inout GravityZoneState) throws(GravityZoneError) -> JSONFragment {
    let indices = try endpointIndices(state)
    for index in indices where state.endpoints[index].isolation != .isolated {
      throw .notRestorable
    }
    for index in indices {
      state.endpoints[index].isolation = .restoring(until: now + GravityZoneState.isolationSeconds)
    }
    return tasks(for: indices, &state)
  }

  /// All or nothing.
  private func endpointIndices(_ state: GravityZoneState) throws(GravityZoneError) -> [Int] {
    let name = route.minorVersion >= 2 ? "endpointIds" : "endpointId"
    let parameters = try parameters(name)
    let ids =
      route.minorVersion >= 2
      ? try parameters.ids(name, maximum: 1_000) : [try parameters.id(name)]
    let indices = ids.compactMap { state.endpointIndex($0, key) }
    guard indices.count == ids.count else { throw .invalid(name) }
    return indices
  }

  private func tasks(for indices: [Int], _ state: inout GravityZoneState) -> JSONFragment {
    if route.minorVersion == 0 { return Self.yes }
    let companies = Set(indices.map { state.endpoints[$0].companyID }).sorted()
    let ids = companies.map { _ in state.makeID(.task, now: now) }
    return route.minorVersion == 1 ? JSONFragment { $0.string(ids[0]) } : Self.list(ids)
  }
}
