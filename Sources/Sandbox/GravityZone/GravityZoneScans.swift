import Basics
import JSON

/// Calls for scan tasks.
extension GravityZoneCall {
  private static let types = ["Quick Scan", "Full Scan", "Memory Scan", "Custom Scan"]

  /// A target may be a container, even an empty one.
  func createScan(_ state: inout GravityZoneState) throws(GravityZoneError) -> JSONFragment {
    let parameters = try parameters(
      "targetIds", "type", "name", "customScanSettings", "returnAllTaskIds")
    let ids = try parameters.ids("targetIds", maximum: 1_000)
    let name = try scanName(parameters)
    let returnsIDs = try parameters.flag("returnAllTaskIds") ?? false
    var companies: Set<String> = []
    for id in ids {
      if let index = state.endpointIndex(id, key), state.endpoints[index].isManaged {
        companies.insert(state.endpoints[index].companyID)
      } else if let group = state.container(id, key) {
        companies.insert(group.companyID)
      } else {
        throw .invalid("targetIds")
      }
    }
    let made = add(name, in: companies.sorted(), &state)
    return returnsIDs ? Self.list(made) : Self.yes
  }

  func createScanByMAC(_ state: inout GravityZoneState) throws(GravityZoneError) -> JSONFragment {
    let parameters = try parameters(
      "macAddresses", "type", "name", "customScanSettings", "returnTaskId")
    let macs = try parameters.texts("macAddresses", maximum: 100)
    let name = try scanName(parameters)
    let returnsID = try parameters.flag("returnTaskId") ?? false
    var companies: Set<String> = []
    for mac in macs {
      let endpoint = state.endpoints.first { endpoint in
        endpoint.isManaged && key.companyIDs.contains(endpoint.companyID)
          && endpoint.macs.contains(mac.lowercased())
      }
      guard let endpoint else { throw .invalid("macAddresses") }
      companies.insert(endpoint.companyID)
    }
    let made = add(name, in: companies.sorted(), &state)
    return returnsID ? JSONFragment { $0.string(made[0]) } : Self.yes
  }

  /// The requested name, or a name with the type and the time.
  private func scanName(_ parameters: GravityZoneParameters) throws(GravityZoneError) -> String {
    let type = try parameters.integer("type", in: 1...Self.types.count)
    if type == Self.types.count {
      guard parameters.has("customScanSettings") else { throw .invalid("customScanSettings") }
      let settings = try parameters.object(
        "customScanSettings", only: ["scanDepth", "scanPath"])
      _ = try settings.integer("scanDepth", in: 1...3)
      _ = try settings.texts("scanPath", maximum: 1_000)
    }
    let given = try parameters.optionalText("name") ?? ""
    return given.isEmpty ? "\(Self.types[type - 1]) \(Timestamp.plain(now))" : given
  }

  /// Creates one task per company.
  private func add(
    _ name: String, in companies: [String], _ state: inout GravityZoneState
  ) -> [String] {
    companies.map { company in
      let id = state.makeID(.scanTask, now: now)
      state.scanTasks.append(
        GravityZoneScanTask(id: id, name: name, companyID: company, created: now))
      return id
    }
  }

  func scanTasks(_ state: GravityZoneState) throws(GravityZoneError) -> JSONFragment {
    let parameters = try parameters("name", "status", "page", "perPage")
    let name = try parameters.optionalText("name")?.lowercased()
    let status = try parameters.optionalInteger("status", in: 1...3)
    let page = try parameters.page()
    let shown = state.scanTasks.filter { task in
      let own = task.name.lowercased()
      let isNamed =
        name.map { $0.hasPrefix("*") ? own.contains($0.dropFirst()) : own.hasPrefix($0) } ?? true
      return isNamed && key.companyIDs.contains(task.companyID)
        && status.map { $0 == task.status(at: now) } ?? true
    }
    return page.envelope(shown) { $0.write(to: &$1, now: now) }
  }
}
