/// The filter and sort order of a device list.
struct CODADeviceFilter {
  private let risks: Set<CODARisk>
  private let scanType: String?
  private let scannerID: Int?
  private let scope: String?
  private let source: String?
  private let showsDevicesWithNoApps: Bool
  private let sortColumn: String?
  private let sortDirection: String?
  private let ipText: String?
  private let nameText: String?
  private let osText: String?
  private let status: String?
  private let tags: [String]?

  init(_ query: inout CODAQuery, _ profile: CODA.Profile) {
    let isCurrent = profile == .current
    risks = CODARisk.selected(&query, "riskLevel", profile)
    scanType = query.choice("scanType", of: ["all", "discovered", "scanned"])
    scannerID = query.integer("scannerId")
    scope = query.choice("scope", of: ["all", "external", "internal"])
    source = query.choice("source", of: ["agentbased", "agentless", "all", "nessusimport"])
    // The vendor documents no default; all devices are the least surprising.
    showsDevicesWithNoApps = isCurrent ? true : query.flag("showDevicesWithNoApps") ?? true
    sortColumn = query.choice(
      "sortColumn", of: ["discoveredOn", "lastScanned", "name"] + (isCurrent ? ["ip"] : []))
    sortDirection = query.choice("sortDirection", of: ["ascending", "descending"])
    ipText = query.text("filter") ?? (isCurrent ? query.text("ip") : nil)
    nameText = isCurrent ? query.text("name") : nil
    osText = isCurrent ? query.text("os") : nil
    status = isCurrent ? query.choice("status", of: ["online", "offline"]) : nil
    tags = isCurrent ? query.text("tags")?.split(separator: ",").map(String.init) : nil
  }

  func apply(to devices: [CODADevice]) -> [CODADevice] { sort(devices.filter(shows)) }

  private func shows(_ device: CODADevice) -> Bool {
    guard risks.contains(device.risk) else { return false }
    if scanType == "scanned" && device.lastScanned == nil { return false }
    if scanType == "discovered" && device.lastScanned != nil { return false }
    if let scannerID, device.scannerID != scannerID { return false }
    if scope == "external" && !device.isExternal { return false }
    if scope == "internal" && device.isExternal { return false }
    if let source, source != "all", device.source != source { return false }
    if !showsDevicesWithNoApps && device.applicationsCount == 0 { return false }
    return showsByText(device)
  }

  private func showsByText(_ device: CODADevice) -> Bool {
    if let ipText, !device.ip.contains(ipText) { return false }
    if let nameText, !device.name.containsIgnoringCase(nameText) { return false }
    if let osText, !device.osType.containsIgnoringCase(osText) { return false }
    if let status, (status == "online") != device.isOnline { return false }
    if let tags, !tags.contains(where: device.tags.contains) { return false }
    return true
  }

  /// Without a column, newest ids first. A direction without a column reverses this.
  private func sort(_ devices: [CODADevice]) -> [CODADevice] {
    let isAscending = sortDirection.map { $0 == "ascending" } ?? (sortColumn != nil)
    let ordered = devices.sorted { left, right in
      switch sortColumn {
      case "discoveredOn" where left.discoveredOn != right.discoveredOn:
        left.discoveredOn < right.discoveredOn
      case "lastScanned" where left.lastScanned != right.lastScanned:
        // Devices that were never scanned come first.
        left.lastScanned ?? 0 < right.lastScanned ?? 0
      case "name" where left.name != right.name: left.name < right.name
      case "ip" where left.ip != right.ip: Self.number(left.ip) < Self.number(right.ip)
      default: left.id < right.id
      }
    }
    return isAscending ? ordered : ordered.reversed()
  }

  private static func number(_ ip: String) -> Int {
    ip.split(separator: ".").reduce(0) { $0 << 8 | (Int($1) ?? 0) }
  }
}
