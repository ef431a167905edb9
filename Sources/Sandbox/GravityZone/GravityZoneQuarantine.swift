import Basics
import JSON

/// Calls for the quarantine of the service in the path.
extension GravityZoneCall {
  private var service: GravityZoneQuarantineItem.Service {
    route.kind == .exchange ? .exchange : .computers
  }

  func quarantineItems(_ state: GravityZoneState) throws(GravityZoneError) -> JSONFragment {
    let parameters = try parameters("endpointId", "page", "perPage", "filters")
    let endpointID = try parameters.optionalID("endpointId")
    let page = try parameters.page()
    let filter = try GravityZoneQuarantineFilter(parameters, service)
    if let endpointID {
      guard state.endpointIndex(endpointID, key) != nil else { throw .invalid("endpointId") }
    }
    let shown = state.quarantine.compactMap { item in
      state.endpointIndex(item.endpointID, key).map { (item, state.endpoints[$0]) }
    }.filter { item, endpoint in
      item.service == service && item.quarantinedOn <= now
        && endpointID.map { $0 == endpoint.id } ?? true && filter.admits(item, on: endpoint)
    }
    return page.envelope(shown) { $0.0.write(to: &$1, on: $0.1) }
  }

  /// All or nothing.
  func removeQuarantineItems(
    _ state: inout GravityZoneState
  ) throws(GravityZoneError) -> JSONFragment {
    let ids = try parameters("quarantineItemsIds").ids("quarantineItemsIds", maximum: 100)
    let indices = ids.compactMap { id in
      state.quarantine.firstIndex { item in
        item.id == id && item.service == service && item.quarantinedOn <= now
          && state.endpointIndex(item.endpointID, key) != nil
      }
    }
    guard indices.count == ids.count else { throw .invalidTarget }
    for index in indices {
      let item = state.quarantine[index]
      guard item.canBeRemoved, item.actionStatus != 1 else { throw .itemUnavailable }
    }
    for index in indices {
      state.quarantine[index].actionStatus = 1
      state.quarantine[index].removedAt = now + GravityZoneState.quarantineSeconds
    }
    return tasks(indices.count, &state)
  }

  /// Skips targets without support. The file appears after a delay.
  func addToQuarantine(_ state: inout GravityZoneState) throws(GravityZoneError) -> JSONFragment {
    let parameters = try parameters("endpointIds", "filePath")
    let ids = try parameters.ids("endpointIds", maximum: 100)
    let path = try parameters.text("filePath")
    guard Self.isAbsolute(path) else { throw .invalid("filePath") }
    let targets = ids.filter { id in
      state.endpointIndex(id, key).map { state.endpoints[$0].hasEDR } ?? false
    }
    guard !targets.isEmpty else { throw .noValidTarget }
    for target in targets {
      let id = state.makeID(.quarantineItem, now: now)
      state.quarantine.append(
        GravityZoneQuarantineItem(
          id: id, service: .computers, endpointID: target, threatName: "",
          filePath: path, quarantinedOn: now + GravityZoneState.quarantineSeconds,
          actionStatus: 0, canBeRemoved: true))
    }
    return tasks(targets.count, &state)
  }

  private static func isAbsolute(_ path: String) -> Bool {
    let start = Array(path.utf8.prefix(3))
    return path.hasPrefix("/") || path.hasPrefix("\\\\")
      || (start.count == 3 && start[1] == UInt8(ascii: ":") && start[2] == UInt8(ascii: "\\"))
  }

  private func tasks(_ count: Int, _ state: inout GravityZoneState) -> JSONFragment {
    if route.minorVersion == 0 { return Self.yes }
    return Self.list((0..<count).map { _ in state.makeID(.task, now: now) })
  }
}
