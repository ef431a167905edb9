/// The initial data of the emulator, the same in every run.
enum CODASeed {
  /// 2026-11-20T06:00:00Z, the end of the last scan. Fixed, so that responses can be compared.
  static let epoch = 1_795_154_400
  static let hour = 3_600
  static let day = 86_400

  static func tenants() -> [Int: CODATenant] {
    [
      1: CODATenant(
        id: 1, name: "Acme Manufacturing", lastLogin: epoch - hour,
        devices: acmeDevices(), contexts: acmeContexts(), scanners: acmeScanners,
        inputs: acmeInputs()),
      2: CODATenant(
        id: 2, name: "Northwind Clinics", lastLogin: epoch - 3 * day,
        devices: northwindDevices(), contexts: northwindContexts, scanners: northwindScanners,
        inputs: northwindInputs),
    ]
  }

  // MARK: Scanners

  private static let acmeScanners = [
    CODAScanner(
      id: 9, label: "Cloud Scanner", isCloud: true, isActive: true, isBusy: false, privateIP: nil,
      tenantID: 1, numberOfUserInputs: 13, numberOfIPsScanned: 21, schedule: .always),
    CODAScanner(
      id: 12, label: "Plant Floor Scanner", isCloud: false, isActive: true, isBusy: false,
      privateIP: "10.20.0.4", tenantID: 1, numberOfUserInputs: 8, numberOfIPsScanned: 12,
      schedule: .always),
    CODAScanner(
      id: 14, label: "Branch Office Scanner", isCloud: false, isActive: false, isBusy: false,
      privateIP: "10.40.0.4", tenantID: 1, numberOfUserInputs: 0, numberOfIPsScanned: 0,
      schedule: .empty),
    CODAScanner(
      id: 15, label: "Head Office Scanner", isCloud: false, isActive: true, isBusy: true,
      privateIP: "10.10.0.4", tenantID: 1, numberOfUserInputs: 4, numberOfIPsScanned: 6,
      schedule: .text("None")),
  ]

  private static let northwindScanners = [
    CODAScanner(
      id: 21, label: "Cloud Scanner", isCloud: true, isActive: true, isBusy: false, privateIP: nil,
      tenantID: 2, numberOfUserInputs: 2, numberOfIPsScanned: 2, schedule: .always)
  ]

  // MARK: Technical contexts

  private static let services = [
    "Payroll", "Web Shop", "ERP", "Mail Relay", "Badge Readers", "Warehouse Scanners",
    "CAD Workstations", "Assembly Line", "Supplier Portal", "Backup", "Domain Controllers",
    "VoIP", "Print Servers", "Build Farm", "Quality Lab",
  ]
  private static let sites = ["Detroit", "Rotterdam", "Osaka"]

  private static func acmeContexts() -> [CODAContext] {
    (0..<43).map { number in
      let site = sites[number / services.count]
      let risk = CODARisk.allCases[(number * 7 + 3) % 4]
      return CODAContext(
        id: 301 + number, name: "\(services[number % services.count]) \(site)",
        modified: epoch - number * day, risk: risk,
        levels: [
          .critical: risk == .critical ? 1 + number % 3 : 0,
          .vulnerable: risk.rawValue >= 2 ? 2 + number % 5 : 0,
          .nonvisible: risk == .secure ? 0 : number % 2, .secure: 1 + number % 6,
        ],
        applications: 3 + number % 9, assetZone: number % 4 == 1 ? "Internet" : "Internal")
    }
  }

  private static let northwindContexts = [
    CODAContext(
      id: 401, name: "Patient Records", modified: epoch - 2 * day, risk: .critical,
      levels: [.critical: 1, .secure: 2], applications: 5, assetZone: "Internal"),
    CODAContext(
      id: 402, name: "Appointments", modified: epoch - 5 * day, risk: .secure,
      levels: [.secure: 3], applications: 2, assetZone: "Internet"),
  ]
}
