import IntegrationKit

/// A method of the vendor's API: its service and its versions.
///
/// All assumptions that the vendor's pages do not settle are here. The services and methods are
/// confirmed. Inferred: the versions of `createAddFileToQuarantineTask`, and the path `computers`
/// for all methods of an on-premises Control Center.
struct GravityZoneMethod: Sendable {
  let name: StaticString
  let service: GravityZoneService
  /// The versions after v1.0. Every method has v1.0.
  private let later: [APIVersion]

  private init(_ name: StaticString, _ service: GravityZoneService, _ later: APIVersion...) {
    self.name = name
    self.service = service
    self.later = later
  }

  /// The version to use: the configured one, otherwise the next lower one.
  func version(for configured: APIVersion) -> APIVersion {
    later.last { $0 <= configured } ?? .v10
  }

  // General
  static let apiKeyDetails = Self("getApiKeyDetails", .general)

  // Incidents
  static let addToBlocklist = Self("addToBlocklist", .incidents, .v12)
  static let blocklistItems = Self("getBlocklistItems", .incidents, .v12)
  static let removeFromBlocklist = Self("removeFromBlocklist", .incidents, .v12)
  static let isolate = Self("createIsolateEndpointTask", .incidents, .v11, .v12)
  static let restore = Self("createRestoreEndpointFromIsolationTask", .incidents, .v11, .v12)

  // Network
  static let createGroup = Self("createCustomGroup", .network)
  static let moveGroup = Self("moveCustomGroup", .network)
  static let deleteGroup = Self("deleteCustomGroup", .network)
  static let groups = Self("getCustomGroupsList", .network)
  static let endpoints = Self("getEndpointsList", .network, .v11)
  static let inventory = Self("getNetworkInventoryItems", .network, .v11)
  static let endpointDetails = Self("getManagedEndpointDetails", .network)
  static let moveEndpoints = Self("moveEndpoints", .network)
  static let deleteEndpoint = Self("deleteEndpoint", .network)
  static let setLabel = Self("setEndpointLabel", .network)
  static let createScan = Self("createScanTask", .network)
  static let createScanByMac = Self("createScanTaskByMac", .network)
  static let scanTasks = Self("getScanTasksList", .network)

  // Quarantine
  static func quarantineItems(_ service: QuarantineService) -> Self {
    Self("getQuarantineItemsList", .quarantine(service))
  }
  static func removeQuarantined(_ service: QuarantineService) -> Self {
    Self("createRemoveQuarantineItemTask", .quarantine(service), .v11)
  }
  static let quarantineFile = Self(
    "createAddFileToQuarantineTask", .quarantine(.computers), .v11)

  // Reports
  static let reports = Self("getReportsList", .reports)
  static let downloadLinks = Self("getDownloadLinks", .reports)
}

/// An area of the API with a path below `/api/VERSION/jsonrpc`.
enum GravityZoneService: Sendable {
  case general, incidents, network, reports
  case quarantine(QuarantineService)

  func path(_ deployment: GravityZoneSettings.Deployment) -> StaticString {
    switch (self, deployment) {
    case (.general, _): "/general"
    case (.incidents, _): "/incidents"
    case (.network, .cloud): "/network"
    case (.network, .onPremises): "/network/computers"
    case (.reports, .cloud): "/reports"
    case (.reports, .onPremises): "/reports/computers"
    case (.quarantine(.computers), _): "/quarantine/computers"
    case (.quarantine(.exchange), _): "/quarantine/exchange"
    }
  }
}
