import Basics
import HTTPServer
import JSON

/// A request of a signed-in user for the data of one tenant.
struct CODACall {
  let request: HTTPServer.Request
  let profile: CODA.Profile
  let user: CODAUser
  let tenantID: Int
  let now: Int

  typealias Tenants = [Int: CODATenant]

  func read(
    _ route: CODARoute, _ tenants: Tenants
  ) throws(CODAError) -> HTTPServer.Response {
    let tenant = try currentTenant(tenants)
    switch route {
    case .tenants: return .json(200, try tenantList(tenants))
    case .devices: return .json(200, try deviceList(tenant))
    case .attackAvenues(let id): return .json(200, try avenues(of: device(id, tenant)))
    case .networkConnections(let id):
      return .json(200, try networkConnections(of: device(id, tenant)))
    case .users(let id): return .json(200, try users(of: device(id, tenant)))
    case .vulnerabilities(let id):
      return .json(200, try vulnerabilities(of: device(id, tenant)))
    case .contexts: return .json(200, try contextList(tenant))
    case .context(let id):
      guard let context = tenant.contexts.first(where: { $0.id == id }) else { throw .notFound }
      return .json(200, JSONFragment { context.write(to: &$0, profile, isDetail: true) })
    case .scanners: return .json(200, CODAPage.bare(tenant.scanners) { $0.write(to: &$1) })
    case .surface: return .json(200, try surface(tenant))
    case .ports: return .json(200, try ports(tenant))
    case .token, .tokenRefresh, .session, .rescanAll, .rescanOne, .scope:
      preconditionFailure("not a route that reads")
    }
  }

  /// Always found: the tenants of every user exist.
  private func currentTenant(_ tenants: Tenants) throws(CODAError) -> CODATenant {
    guard let tenant = tenants[tenantID] else { throw .forbidden }
    return tenant
  }

  private func device(_ id: Int, _ tenant: CODATenant) throws(CODAError) -> CODADevice {
    guard let device = tenant.devices.first(where: { $0.id == id }) else { throw .notFound }
    return device
  }

  // MARK: Lists

  private func tenantList(_ tenants: Tenants) throws(CODAError) -> JSONFragment {
    let own = user.tenantIDs.compactMap { tenants[$0] }
    guard profile == .current else {
      return CODAPage.bare(own) { $0.write(to: &$1, profile, home: user.homeTenantID) }
    }
    var query = CODAQuery(request)
    let page = query.page(sizeName: "size")
    try query.finish()
    let filter = query.text("filter")
    let shown = own.filter { tenant in filter.map { tenant.name.containsIgnoringCase($0) } ?? true }
    return page.envelope(shown) { $0.write(to: &$1, profile, home: user.homeTenantID) }
  }

  private func deviceList(_ tenant: CODATenant) throws(CODAError) -> JSONFragment {
    var query = CODAQuery(request)
    let page = query.page(sizeName: "pageSize")
    let filter = CODADeviceFilter(&query, profile)
    try query.finish()
    return page.envelope(filter.apply(to: tenant.devices)) { $0.write(to: &$1, profile) }
  }

  private func contextList(_ tenant: CODATenant) throws(CODAError) -> JSONFragment {
    var query = CODAQuery(request)
    let page = query.page(sizeName: nil)
    let selected = CODARisk.selected(
      &query, profile == .classic ? "risk_level" : "riskLevel", profile)
    try query.finish()
    let shown = tenant.contexts.filter { selected.contains($0.risk) }
    return page.envelope(shown) { $0.write(to: &$1, profile, isDetail: false) }
  }

  private func surface(_ tenant: CODATenant) throws(CODAError) -> JSONFragment {
    var query = CODAQuery(request)
    let page = query.page(sizeName: nil)
    try query.finish()
    let text = profile == .current ? query.text("textFilter") : nil
    let shown = inputs(tenant).filter { input in
      text.map { input.text.containsIgnoringCase($0) } ?? true
    }
    return page.envelope(shown) { input, writer in input.write(to: &writer, tenant.scanners) }
  }

  private func ports(_ tenant: CODATenant) throws(CODAError) -> JSONFragment {
    var query = CODAQuery(request)
    let page = query.page(sizeName: nil)
    try query.finish()
    let shown = (profile == .current ? inputs(tenant) : tenant.inputs).flatMap { input in
      input.scans.flatMap { scan in scan.targets.map { (input, $0) } }
    }
    return page.envelope(shown) { row, writer in
      row.1.writePorts(to: &writer, of: row.0, profile)
    }
  }

  /// The inputs of one scanner. A missing or unknown scanner selects all inputs.
  private func inputs(_ tenant: CODATenant) -> [CODAInput] {
    guard let text = request.query("scannerId"), let id = Int(text),
      tenant.scanners.contains(where: { $0.id == id })
    else { return tenant.inputs }
    return tenant.inputs.compactMap { input in
      var input = input
      input.scans.removeAll { $0.scannerID != id }
      return input.scans.isEmpty ? nil : input
    }
  }

  // MARK: One device

  private func avenues(of device: CODADevice) throws(CODAError) -> JSONFragment {
    var avenues = device.isAttackAvenuesAvailable ? device.avenues : []
    guard profile == .current else {
      return CODAPage.bare(avenues) { $0.write(to: &$1, of: device) }
    }
    var query = CODAQuery(request)
    let page = query.page(sizeName: "size")
    let states = query.choices("states", of: CODAFinding.states)
    let hidesInformational = query.flag("hideInformationalEntries") ?? false
    try query.finish()
    avenues.removeAll { avenue in
      states.map { !$0.contains(avenue.state) } ?? false
        || (hidesInformational && avenue.severity == "informational")
    }
    return page.envelope(avenues) { $0.write(to: &$1, of: device) }
  }

  /// The check for agentless servers comes first, also for servers without attack avenues.
  private func networkConnections(of device: CODADevice) throws(CODAError) -> JSONFragment {
    guard !device.isServer else { throw .detail(501, "Not implemented for this device type.") }
    let connections = device.isAttackAvenuesAvailable ? device.networkConnections : []
    return CODAPage.bare(connections) { $0.write(to: &$1, from: device.ip) }
  }

  private func users(of device: CODADevice) throws(CODAError) -> JSONFragment {
    guard !device.isServer else { throw .detail(501, "Not implemented for this device type.") }
    return CODAPage.bare(device.users) { $0.write(to: &$1) }
  }

  private func vulnerabilities(of device: CODADevice) throws(CODAError) -> JSONFragment {
    guard profile == .current else {
      return CODAPage.bare(device.vulnerabilities) { $0.write(to: &$1, of: device) }
    }
    var query = CODAQuery(request)
    let page = query.page(sizeName: "size")
    try query.finish()
    return page.envelope(device.vulnerabilities) { $0.write(to: &$1, of: device) }
  }
}

extension String {
  /// Whether it contains `text`, ignoring case.
  func containsIgnoringCase(_ text: String) -> Bool { lowercased().contains(text.lowercased()) }
}
