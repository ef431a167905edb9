import Basics
import JSON

/// One authorized call. Its methods are in separate files, one per service.
struct GravityZoneCall {
  let method: GravityZoneMethod
  let route: GravityZoneRoute
  let key: GravityZoneKey
  let now: Int
  /// `http://HOST`, as the client addressed the server.
  let origin: String

  private let json: JSON

  /// - Parameter envelope: already validated.
  init(
    _ envelope: JSON, route: GravityZoneRoute, key: GravityZoneKey, now: Int, origin: String
  ) throws(GravityZoneError) {
    let name = envelope["method"]?.string ?? ""
    guard let method = GravityZoneMethod(rawValue: name), method.isIn(route),
      let params = envelope["params"]
    else { throw .noSuchMethod(name) }
    self.method = method
    self.route = route
    self.key = key
    self.now = now
    self.origin = origin
    json = params
  }

  func parameters(_ names: String...) throws(GravityZoneError) -> GravityZoneParameters {
    try GravityZoneParameters(json, only: names)
  }

  func perform(on state: inout GravityZoneState) throws(GravityZoneError) -> JSONFragment {
    switch method {
    case .getApiKeyDetails: try keyDetails()
    case .addToBlocklist: try addToBlocklist(&state)
    case .getBlocklistItems: try blocklistItems(state)
    case .removeFromBlocklist: try removeFromBlocklist(&state)
    case .createIsolateEndpointTask: try isolate(&state)
    case .createRestoreEndpointFromIsolationTask: try restore(&state)
    case .getCustomGroupsList: try customGroups(state)
    case .createCustomGroup: try createGroup(&state)
    case .moveCustomGroup: try moveGroup(&state)
    case .deleteCustomGroup: try deleteGroup(&state)
    case .getEndpointsList: try endpointsList(state)
    case .getNetworkInventoryItems: try inventory(state)
    case .getManagedEndpointDetails: try endpointDetails(state)
    case .moveEndpoints: try moveEndpoints(&state)
    case .deleteEndpoint: try deleteEndpoint(&state)
    case .setEndpointLabel: try setLabel(&state)
    case .createScanTask: try createScan(&state)
    case .createScanTaskByMac: try createScanByMAC(&state)
    case .getScanTasksList: try scanTasks(state)
    case .getQuarantineItemsList: try quarantineItems(state)
    case .createRemoveQuarantineItemTask: try removeQuarantineItems(&state)
    case .createAddFileToQuarantineTask: try addToQuarantine(&state)
    case .getReportsList: try reports(state)
    case .getDownloadLinks: try downloadLinks(state)
    }
  }

  private func keyDetails() throws(GravityZoneError) -> JSONFragment {
    _ = try parameters()
    return JSONFragment { writer in
      writer.object { writer in
        writer.name("enabledApis")
        writer.array { writer in for area in key.areas { writer.string(area.rawValue) } }
        writer.member("createdAt", Timestamp.plain(GravityZoneSeed.epoch - 90 * 86_400))
      }
    }
  }

  // MARK: Results

  static let yes = JSONFragment { $0.bool(true) }

  static func list(_ texts: [String]) -> JSONFragment {
    JSONFragment { writer in writer.array { writer in for text in texts { writer.string(text) } } }
  }
}
