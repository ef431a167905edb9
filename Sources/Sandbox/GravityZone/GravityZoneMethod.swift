/// The methods of the API.
enum GravityZoneMethod: String, CaseIterable {
  case getApiKeyDetails
  case addToBlocklist, getBlocklistItems, removeFromBlocklist
  case createIsolateEndpointTask, createRestoreEndpointFromIsolationTask
  case getCustomGroupsList, createCustomGroup, moveCustomGroup, deleteCustomGroup
  case getEndpointsList, getNetworkInventoryItems, getManagedEndpointDetails
  case moveEndpoints, deleteEndpoint, setEndpointLabel
  case createScanTask, createScanTaskByMac, getScanTasksList
  case getQuarantineItemsList, createRemoveQuarantineItemTask, createAddFileToQuarantineTask
  case getReportsList, getDownloadLinks

  var area: GravityZoneKey.Area {
    switch self {
    case .getApiKeyDetails: .general
    case .addToBlocklist, .getBlocklistItems, .removeFromBlocklist, .createIsolateEndpointTask,
      .createRestoreEndpointFromIsolationTask:
      .incidents
    case .getQuarantineItemsList, .createRemoveQuarantineItemTask,
      .createAddFileToQuarantineTask:
      .quarantine
    case .getReportsList, .getDownloadLinks: .reports
    default: .network
    }
  }

  var bucket: GravityZoneLimits.Bucket {
    switch self {
    case .addToBlocklist, .removeFromBlocklist: .blocklist
    case .createScanTask, .createScanTaskByMac, .deleteEndpoint, .createRemoveQuarantineItemTask,
      .createAddFileToQuarantineTask:
      .tasks
    default: .others
    }
  }

  /// Whether the service of a path has the method. Files cannot be added to an Exchange quarantine.
  func isIn(_ route: GravityZoneRoute) -> Bool {
    area == route.area && !(self == .createAddFileToQuarantineTask && route.kind == .exchange)
  }
}
