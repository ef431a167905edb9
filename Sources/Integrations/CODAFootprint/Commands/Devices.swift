import Basics
import HTTP
import IntegrationKit
import JSON

struct ListDevices: CODACommand, PagedCommand {
  static let metadata = CommandMetadata(
    "List Devices",
    """
    Lists the devices that scans have discovered, newest id first unless sorted otherwise. Only \
    documented filter fields and values are accepted.
    """,
    permissions: CODAFootprint.roles, items: ItemsPath("items"), result: { CODAResults.devices })

  let page: Int64?
  let tenant: Int64?
  let filter: DeviceFilter?

  init(_ parameters: inout ParamReader) {
    page = parameters.page()
    tenant = parameters.tenant()
    filter = parameters.optional(
      "Filter", .object(DeviceFilter.self),
      "Which devices, and in which order. Left out, all, by descending id.")
  }

  func request(with client: CODAClient, page: Int64?) -> HTTPRequest {
    client.request(.get, "/console/elements/devices/", tenant: tenant) { url in
      url.query("page", page)
      filter?.write(to: &url, client.profile)
    }
  }

  func pageCount(in body: JSON) -> Int64? { CODAResults.pageCount(body) }
}

/// The filter object of List Devices, with the names of the document.
struct DeviceFilter: ParameterObject {
  static let naming = ParameterShape.Naming.verbatim

  enum ScanType: String, ParameterChoice { case all, discovered, scanned }
  enum Place: String, ParameterChoice { case all, external, `internal` }
  enum SortColumn: String, ParameterChoice { case discoveredOn, lastScanned, name }
  enum SortDirection: String, ParameterChoice { case ascending, descending }
  enum Source: String, ParameterChoice { case agentbased, agentless, all, nessusimport }

  let ip: String?
  let pageSize: Int64?
  let riskLevel: RiskLevel?
  let scanType: ScanType?
  let scannerID: Int64?
  let scope: Place?
  let showDevicesWithNoApps: Bool?
  let sortColumn: SortColumn?
  let sortDirection: SortDirection?
  let source: Source?

  init(_ members: inout ParamReader) {
    ip = members.optional(
      "ip", .text(maximumCharacters: 255), "Part of an IP address.", examples: ["10.0.0."])
    pageSize = members.optional("pageSize", .integer(from: 1, to: 1_000), "Devices on a page.")
    riskLevel = members.optional("riskLevel", .choice(RiskLevel.self), "Devices of this risk.")
    scanType = members.optional(
      "scanType", .choice(ScanType.self), "Devices only discovered, or scanned too.")
    scannerID = members.optional(
      "scannerId", .identifier, "Devices that this scanner found.",
      from: [ParameterSource("list_scanners", "$[*].id")])
    scope = members.optional(
      "scope", .choice(Place.self), "Devices seen from outside or from inside.")
    showDevicesWithNoApps = members.optional(
      "showDevicesWithNoApps", .boolean, "Whether devices without applications are listed too.")
    sortColumn = members.optional("sortColumn", .choice(SortColumn.self), "What to sort by.")
    sortDirection = members.optional(
      "sortDirection", .choice(SortDirection.self), "In which direction to sort.")
    source = members.optional("source", .choice(Source.self), "How the devices were found.")
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
    Lists the ways in which a device could be attacked. Empty for a device whose \
    isAttackAvenuesAvailable is not true ($.items[*].isAttackAvenuesAvailable of list_devices).
    """,
    permissions: CODAFootprint.roles, items: ItemsPath(or: ["items"]),
    result: { CODAResults.attackAvenues })

  let device: Int64
  let tenant: Int64?
  /// Not documented; tenants of the current profile have pages all the same.
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

  func pageCount(in body: JSON) -> Int64? { CODAResults.pageCount(body) }
}

struct ListDeviceNetworkConnections: CODACommand, RequestCommand {
  static let metadata = CommandMetadata(
    "List Device Network Connections",
    """
    Lists a device's network connections. Empty for a device whose isAttackAvenuesAvailable is \
    not true; 501 for a server, since only devices of the type AgentDevice ($.items[*].type of \
    list_devices) report them; 404 for a device that does not exist.
    """,
    permissions: CODAFootprint.roles, items: ItemsPath(or: ["items"]))

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
    Lists the users of a device. 501 for a server, since only devices of the type AgentDevice \
    ($.items[*].type of list_devices) report them; 404 for a device that does not exist.
    """,
    permissions: CODAFootprint.roles, items: ItemsPath(or: ["items"]),
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
    "List Device Vulnerabilities", "Lists the vulnerabilities that were found on a device.",
    permissions: CODAFootprint.roles, items: ItemsPath(or: ["items"]),
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

  func pageCount(in body: JSON) -> Int64? { CODAResults.pageCount(body) }
}
