/// The initial data of the emulator, the same in every run.
enum GravityZoneSeed {
  /// 2026-11-20T06:00:00Z, the time of the last events. Fixed, so that responses can be compared.
  static let epoch = 1_795_154_400
  static let hour = 3_600
  static let day = 86_400

  static let harborID = GravityZoneID.make(.company, 1)
  static let lanternID = GravityZoneID.make(.company, 2)

  static func state(now: Int) -> GravityZoneState {
    let endpoints = endpoints()
    return GravityZoneState(
      began: now,
      companies: [
        GravityZoneCompany(id: harborID, name: "Harbor Logistics"),
        GravityZoneCompany(id: lanternID, name: "Lantern Clinics"),
      ],
      groups: groups, endpoints: endpoints, blocklist: blocklist, scanTasks: scanTasks,
      quarantine: quarantine(endpoints), reports: reports())
  }

  // MARK: Groups

  enum Folder: Int {
    case computers = 1
    case deleted, headquarters, finance, payroll, engineering, warehouse, dock, servers, virtual
    case empty, lanternComputers, lanternDeleted, wards

    var id: String { GravityZoneID.make(.group, rawValue) }

    var companyID: String {
      rawValue >= Folder.lanternComputers.rawValue ? lanternID : harborID
    }
  }

  private static let groups = [
    group(.computers, "Computers and Groups", .computers),
    group(.deleted, "Deleted", .deleted),
    group(.headquarters, "Headquarters", in: .computers),
    group(.finance, "Finance", in: .headquarters),
    group(.payroll, "Payroll", in: .finance),
    group(.engineering, "Engineering", in: .headquarters),
    group(.warehouse, "Warehouse", in: .computers),
    group(.dock, "Dock Terminals", in: .warehouse),
    group(.servers, "Servers", in: .computers),
    group(.virtual, "Virtual Machines", in: .servers),
    group(.empty, "Spare Room", in: .computers),
    group(.lanternComputers, "Computers and Groups", .computers),
    group(.lanternDeleted, "Deleted", .deleted),
    group(.wards, "Wards", in: .lanternComputers),
  ]

  private static func group(
    _ folder: Folder, _ name: String, _ kind: GravityZoneGroup.Kind = .custom,
    in parent: Folder? = nil
  ) -> GravityZoneGroup {
    GravityZoneGroup(
      id: folder.id, name: name, kind: kind, parentID: parent?.id ?? folder.companyID,
      companyID: folder.companyID)
  }

  // MARK: Scan tasks

  private static let scanTasks = (1...12).map { number in
    GravityZoneScanTask(
      id: GravityZoneID.make(.scanTask, number),
      name: number % 3 == 0 ? "Nightly Scan \(number)" : "Weekly Full Scan \(number)",
      companyID: number == 12 ? lanternID : harborID, created: epoch - number * day)
  }

  // MARK: Block list

  private static let blocklist = (1...9).map { number in
    let algorithm =
      number % 2 == 0 ? GravityZoneBlocklistItem.md5 : GravityZoneBlocklistItem.sha256
    let digits = GravityZoneBlocklistItem.digits(algorithm)
    let byte = String(0xA0 + number, radix: 16)
    return GravityZoneBlocklistItem(
      id: GravityZoneID.make(.blocklistItem, number),
      companyID: number == 9 ? lanternID : harborID,
      rule: .hash(algorithm: algorithm, String(repeating: byte, count: digits / 2)),
      source: 1 + number % 3, note: number % 3 == 0 ? "Found by hand" : "Campaign \(number)",
      filename: number % 3 == 1 ? "invoice\(number).exe" : nil, created: epoch - number * day)
  }
}
