/// The filter of a network list. Types are combined with "or", all other criteria with "and". A false
/// flag does not filter.
struct GravityZoneInventoryFilter {
  private static let types = [
    "companies": [1], "companyFolders": [3], "groups": [4], "computers": [5],
    "virtualMachines": [6], "ec2Instances": [7],
  ]
  private static let securityFlags = [
    "managedWithBest", "managedExchangeServers", "managedRelays", "securityServers",
  ]

  let isRecursive: Bool
  private var wantedTypes: Set<Int>?
  private var security: Set<String> = []
  private let ssid: String?
  private let macs: [String]?
  /// In lower case, without the asterisk.
  private let name: String?
  /// Whether the name must start with the text; otherwise it must contain it.
  private let isPrefix: Bool

  init(
    _ parameters: GravityZoneParameters, hasTypes: Bool
  ) throws(GravityZoneError) {
    let filters = try parameters.object(
      "filters", only: ["depth", "details", "security"] + (hasTypes ? ["type"] : []))
    let depth = try filters.object("depth", only: ["allItemsRecursively"])
    isRecursive = try depth.flag("allItemsRecursively") ?? false
    let details = try filters.object("details", only: ["ssid", "macs", "name"])
    ssid = try details.optionalText("ssid")
    macs = details.has("macs") ? try details.texts("macs", maximum: 1_000) : nil
    let text = try details.optionalText("name")
    let isPrefix = text?.first != "*"
    self.isPrefix = isPrefix
    name = text.map { (isPrefix ? $0 : String($0.dropFirst())).lowercased() }
    if let name, name.count < 3 { throw .invalid("filters.details.name") }
    let management = try filters.object("security", only: ["management"])
      .object("management", only: Self.securityFlags)
    for flag in Self.securityFlags where try management.flag(flag) ?? false {
      security.insert(flag)
    }
    guard hasTypes else { return }
    let types = try filters.object("type", only: Array(Self.types.keys))
    for (name, numbers) in Self.types where try types.flag(name) ?? false {
      wantedTypes = (wantedTypes ?? []).union(numbers)
    }
  }

  func admits(_ endpoint: GravityZoneEndpoint) -> Bool {
    if let wantedTypes, !wantedTypes.contains(endpoint.inventoryType) { return false }
    if let ssid, endpoint.ssid != ssid { return false }
    if let macs, !macs.contains(where: { endpoint.macs.contains($0.lowercased()) }) { return false }
    return admits(name: endpoint.name)
      && security.allSatisfy { flag in
        switch flag {
        case "managedWithBest": endpoint.isManagedWithBest
        case "managedExchangeServers": endpoint.role == .exchangeServer
        case "managedRelays": endpoint.role == .relay
        default: endpoint.role == .securityServer
        }
      }
  }

  /// Admits a company or a group, which have no address and no role.
  func admits(type: Int, name: String) -> Bool {
    (wantedTypes?.contains(type) ?? true) && admits(name: name) && ssid == nil && macs == nil
      && security.isEmpty
  }

  private func admits(name candidate: String) -> Bool {
    guard let name else { return true }
    let candidate = candidate.lowercased()
    return isPrefix ? candidate.hasPrefix(name) : candidate.contains(name)
  }
}
