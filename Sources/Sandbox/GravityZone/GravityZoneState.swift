import Basics

/// The complete state of the emulator, for both companies.
struct GravityZoneState {
  static let isolationSeconds = 30
  static let scanPendingSeconds = 10
  static let scanSeconds = 60
  static let quarantineSeconds = 30

  /// The creation time of the data.
  let began: Int
  let companies: [GravityZoneCompany]
  var groups: [GravityZoneGroup]
  var endpoints: [GravityZoneEndpoint]
  var blocklist: [GravityZoneBlocklistItem]
  var scanTasks: [GravityZoneScanTask]
  var quarantine: [GravityZoneQuarantineItem]
  let reports: [GravityZoneReport]
  /// The number of objects created by calls.
  private var made = 0

  init(
    began: Int, companies: [GravityZoneCompany], groups: [GravityZoneGroup],
    endpoints: [GravityZoneEndpoint], blocklist: [GravityZoneBlocklistItem],
    scanTasks: [GravityZoneScanTask], quarantine: [GravityZoneQuarantineItem],
    reports: [GravityZoneReport]
  ) {
    self.began = began
    self.companies = companies
    self.groups = groups
    self.endpoints = endpoints
    self.blocklist = blocklist
    self.scanTasks = scanTasks
    self.quarantine = quarantine
    self.reports = reports
  }

  mutating func makeID(_ kind: GravityZoneID.Kind, now: Int) -> String {
    made += 1
    return GravityZoneID.make(kind, made, at: now)
  }

  /// Applies all changes that are due at `now`.
  mutating func advance(to now: Int) {
    for index in endpoints.indices { endpoints[index].isolation.advance(to: now) }
    quarantine.removeAll { item in item.removedAt.map { $0 <= now } ?? false }
  }

  // MARK: Access by key

  func companies(of key: GravityZoneKey) -> [GravityZoneCompany] {
    companies.filter { key.companyIDs.contains($0.id) }
  }

  func endpointIndex(_ id: String, _ key: GravityZoneKey) -> Int? {
    endpoints.firstIndex { $0.id == id && key.companyIDs.contains($0.companyID) }
  }

  func groupIndex(_ id: String, _ key: GravityZoneKey) -> Int? {
    groups.firstIndex { $0.id == id && key.companyIDs.contains($0.companyID) }
  }

  /// A possible parent: a group, or a company as an alias for its group Computers and Groups.
  func container(_ id: String, _ key: GravityZoneKey) -> GravityZoneGroup? {
    if let index = groupIndex(id, key) { return groups[index] }
    return companies(of: key).contains { $0.id == id } ? system(.computers, of: id) : nil
  }

  func system(_ kind: GravityZoneGroup.Kind, of companyID: String) -> GravityZoneGroup {
    guard let group = groups.first(where: { $0.companyID == companyID && $0.kind == kind }) else {
      preconditionFailure("a company must have its system groups")
    }
    return group
  }

  /// The ids of a group and all its descendants; for a company, of all its groups.
  func subtree(_ id: String) -> Set<String> {
    var ids: Set<String> = [id]
    var fresh = ids
    while !fresh.isEmpty {
      fresh = Set(groups.filter { fresh.contains($0.parentID) }.map(\.id))
      ids.formUnion(fresh)
    }
    return ids
  }
}

struct GravityZoneCompany {
  let id: String
  let name: String
}
