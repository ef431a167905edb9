import Basics
import HTTP
import IntegrationKit
import JSON

struct ListDevices: CODACommand, PagedCommand {
  static let metadata = CommandMetadata(
    "List Devices",
    """
    Lists discovered devices, by default by descending ID. Only documented filter fields and \
    values are accepted.
    """,
    permissions: CODAFootprint.roles, items: ItemsPath("items"),
    errorSamples: [ErrorSample(401, "Unauthorized.")],
    result: { CODAResults.devices })

  let page: Int64?
  let tenant: Int64?
  let filter: DeviceFilter?

  init(_ parameters: inout ParamReader) {
    page = parameters.page()
    tenant = parameters.tenant()
    filter = parameters.optional(
      "Filter", .object(DeviceFilter.self),
      "Selects and sorts devices. Default: all devices, by descending ID.")
  }

  func request(with client: CODAClient, page: Int64?) -> HTTPRequest {
    client.request(.get, "/console/elements/devices/", tenant: tenant) { url in
      url.query("page", page)
      filter?.write(to: &url, client.profile)
    }
  }
}

/// The filter object of List Devices, with the documented names.
struct DeviceFilter: ParameterObject {
  static let naming = ParameterShape.Naming.verbatim

  enum ScanType: String, ParameterChoice { case all, discovered, scanned }
  enum NetworkScope: String, ParameterChoice { case all, external, `internal` }
  enum SortColumn: String, ParameterChoice { case discoveredOn, lastScanned, name }
  enum SortDirection: String, ParameterChoice { case ascending, descending }
  enum Source: String, ParameterChoice { case agentbased, agentless, all, nessusimport }

  let ip: String?
  let pageSize: Int64?
  let riskLevel: RiskLevel?
  let scanType: ScanType?
  let scannerID: Int64?
  let scope: NetworkScope?
  let showDevicesWithNoApps: Bool?
  let sortColumn: SortColumn?
  let sortDirection: SortDirection?
  let source: Source?

  init(_ members: inout ParamReader) {
    ip = members.optional(
      "ip", .text(maximumCharacters: 255), "Part of an IP address.", examples: ["10.0.0."])
    pageSize = members.optional(
      "pageSize", .integer(from: 1, to: 1_000_000_000),
      "Devices per page. The vendor documents no maximum.")
    riskLevel = members.optional(
      "riskLevel", .choice(RiskLevel.self), "List only devices with this risk level.")
    scanType = members.optional(
      "scanType", .choice(ScanType.self), "List only discovered or only scanned devices.")
    scannerID = members.optional(
      "scannerId", .identifier, "List only devices found by this scanner.",
      from: [ParameterSource("list_scanners", "$[*].id")])
    scope = members.optional(
      "scope", .choice(NetworkScope.self), "List only external or only internal devices.")
    showDevicesWithNoApps = members.optional(
      "showDevicesWithNoApps", .boolean, "Include devices without applications.")
    sortColumn = members.optional("sortColumn", .choice(SortColumn.self), "The sort column.")
    sortDirection = members.optional(
      "sortDirection", .choice(SortDirection.self), "The sort direction.")
    source = members.optional("source", .choice(Source.self), "The discovery source.")
  }

  func write(to url: inout URLBuilder, _ profile: CODAProfile) {
    url.query(profile.ipFilterName, ip)
    url.query("pageSize", pageSize)
    url.query("riskLevel", profile.risk(riskLevel))
    url.query("scanType", scanType?.rawValue)
    url.query("scannerId", scannerID)
    url.query("scope", scope?.rawValue)
    url.query("showDevicesWithNoApps", showDevicesWithNoApps)
    url.query("sortColumn", sortColumn?.rawValue)
    url.query("sortDirection", sortDirection?.rawValue)
    url.query("source", source?.rawValue)
  }
}

struct ListDeviceAttackAvenues: CODACommand, PagedCommand {
  static let metadata = CommandMetadata(
    "List Device Attack Avenues",
    """
    Lists the attack avenues of a device. The list is empty unless isAttackAvenuesAvailable is \
    true for the device ($.items[*].isAttackAvenuesAvailable of list_devices).
    """,
    permissions: CODAFootprint.roles, items: ItemsPath(or: ["items"]),
    errorSamples: [ErrorSample(404, "Not Found.")],
    result: { CODAResults.attackAvenues })

  let device: Int64
  let tenant: Int64?
  /// Not documented, but tenants of the current profile paginate.
  var page: Int64? { nil }

  init(_ parameters: inout ParamReader) {
    device = parameters.device()
    tenant = parameters.tenant()
  }

  func request(with client: CODAClient, page: Int64?) -> HTTPRequest {
    client.request(
      .get, "/console/elements/device/", device, "/attackavenues/", tenant: tenant
    ) { $0.query("page", page) }
  }
}

struct ListDeviceNetworkConnections: CODACommand, RequestCommand {
  static let metadata = CommandMetadata(
    "List Device Network Connections",
    """
    Lists the network connections of a device. The list is empty unless isAttackAvenuesAvailable \
    is true for the device. Only devices of type AgentDevice ($.items[*].type of list_devices) \
    report connections: a server fails with 501, an unknown device with 404.
    """,
    permissions: CODAFootprint.roles, items: ItemsPath(or: ["items"]),
    errorSamples: [ErrorSample(404, "Not Found.")])

  let device: Int64
  let tenant: Int64?

  init(_ parameters: inout ParamReader) {
    device = parameters.device()
    tenant = parameters.tenant()
  }

  func request(with client: CODAClient) -> HTTPRequest {
    client.request(
      .get, "/console/elements/device/", device, "/networkConnections/", tenant: tenant)
  }
}

struct ListDeviceUsers: CODACommand, RequestCommand {
  static let metadata = CommandMetadata(
    "List Device Users",
    """
    Lists the users of a device. Only devices of type AgentDevice ($.items[*].type of \
    list_devices) report users: a server fails with 501, an unknown device with 404.
    """,
    permissions: CODAFootprint.roles, items: ItemsPath(or: ["items"]),
    errorSamples: [ErrorSample(401, "Unauthorized.")],
    result: { CODAResults.users })

  let device: Int64
  let tenant: Int64?

  init(_ parameters: inout ParamReader) {
    device = parameters.device()
    tenant = parameters.tenant()
  }

  func request(with client: CODAClient) -> HTTPRequest {
    client.request(.get, "/console/elements/device/", device, "/users/", tenant: tenant)
  }
}

struct ListDeviceVulnerabilities: CODACommand, PagedCommand {
  static let metadata = CommandMetadata(
    "List Device Vulnerabilities", "Lists the vulnerabilities of a device.",
    permissions: CODAFootprint.roles, items: ItemsPath(or: ["items"]),
    errorSamples: [ErrorSample(404, "Not Found.")],
    result: { CODAResults.vulnerabilities })

  let device: Int64
  let page: Int64?
  let tenant: Int64?

  init(_ parameters: inout ParamReader) {
    device = parameters.device()
    page = parameters.page()
    tenant = parameters.tenant()
  }

  func request(with client: CODAClient, page: Int64?) -> HTTPRequest {
    client.request(
      .get, "/console/elements/device/", device, "/vulnerabilities/", tenant: tenant
    ) { $0.query("page", page) }
  }
}
