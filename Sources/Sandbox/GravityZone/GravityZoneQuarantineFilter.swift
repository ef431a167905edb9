/// The filter of a quarantine list. All conditions must match.
struct GravityZoneQuarantineFilter {
  private let threatName: String?
  private let start: Int?
  private let end: Int?
  private let filePath: String?
  private let ip: String?
  private let actionStatus: Int?

  init(
    _ parameters: GravityZoneParameters, _ service: GravityZoneQuarantineItem.Service
  ) throws(GravityZoneError) {
    let filters = try parameters.object(
      "filters", only: ["threatName", "startDate", "endDate", "filePath", "ip", "actionStatus"])
    threatName = try filters.optionalText("threatName")?.lowercased()
    start = try Self.date("startDate", filters)
    end = try Self.date("endDate", filters)
    filePath = try filters.optionalText("filePath")
    ip = try filters.optionalText("ip")
    actionStatus = try filters.optionalInteger("actionStatus", in: 0...17)
    let allowed = service == .computers ? [0, 1, 2, 3, 4, 16, 17] : [0, 1, 2, 3, 4]
    if let actionStatus, !allowed.contains(actionStatus) {
      throw .invalid("filters.actionStatus")
    }
  }

  private static func date(
    _ name: String, _ filters: GravityZoneParameters
  ) throws(GravityZoneError) -> Int? {
    guard let text = try filters.optionalText(name) else { return nil }
    guard let seconds = Timestamp.seconds(iso: text) else { throw .invalid("filters." + name) }
    return seconds
  }

  func admits(_ item: GravityZoneQuarantineItem, on endpoint: GravityZoneEndpoint) -> Bool {
    if let threatName, !item.threatName.lowercased().contains(threatName) { return false }
    if let start, item.quarantinedOn < start { return false }
    if let end, item.quarantinedOn > end { return false }
    if let filePath, item.service == .exchange || !item.filePath.contains(filePath) {
      return false
    }
    if let ip, ip != endpoint.ip { return false }
    return actionStatus.map { $0 == item.actionStatus } ?? true
  }
}
