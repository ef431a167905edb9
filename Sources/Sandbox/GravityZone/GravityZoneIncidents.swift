import Basics
import JSON

/// Calls for the blocklist.
extension GravityZoneCall {
  private typealias Entry = (rule: GravityZoneBlocklistItem.Rule, note: String)

  func addToBlocklist(_ state: inout GravityZoneState) throws(GravityZoneError) -> JSONFragment {
    let (entries, companyID) =
      route.minorVersion >= 2 ? try blocklistRules() : try blocklistHashes()
    let company = companyID ?? key.companyIDs[0]
    guard key.mayChangeBlocklist, key.companyIDs.contains(company) else {
      throw .noBlocklistRight
    }
    for entry in entries {
      let isThere = state.blocklist.contains { $0.companyID == company && $0.rule == entry.rule }
      if isThere { continue }
      let id = state.makeID(.blocklistItem, now: now)
      state.blocklist.append(
        GravityZoneBlocklistItem(
          id: id, companyID: company, rule: entry.rule, source: 3, note: entry.note,
          filename: nil, created: now))
    }
    return Self.yes
  }

  private func blocklistHashes() throws(GravityZoneError) -> ([Entry], companyID: String?) {
    let parameters = try parameters("hashType", "hashList", "sourceInfo", "companyId")
    let algorithm = try parameters.integer("hashType", in: 1...2)
    let hashes = try parameters.texts("hashList", maximum: 1_000)
    let note = try parameters.text("sourceInfo")
    let companyID = try parameters.optionalID("companyId")
    var entries: [Entry] = []
    for hash in hashes {
      guard Self.isHash(hash, algorithm) else { throw .invalid("hashList") }
      entries.append((.hash(algorithm: algorithm, hash.lowercased()), note))
    }
    return (entries, companyID)
  }

  private func blocklistRules() throws(GravityZoneError) -> ([Entry], companyID: String?) {
    let parameters = try parameters("type", "rules", "recursive", "companyId")
    let type = try parameters.text("type")
    let rules = try parameters.objects("rules")
    _ = try parameters.flag("recursive")
    let companyID = try parameters.optionalID("companyId")
    var entries: [Entry] = []
    for rule in rules {
      let reader = try GravityZoneParameters(rule, prefix: "rules.", only: ["note", "details"])
      let note = try reader.optionalText("note") ?? ""
      guard let details = rule["details"], details.kind == .object else {
        throw .invalid("rules.details")
      }
      switch type {
      case "hash": entries.append((try Self.hashRule(details), note))
      case "path": entries.append((.path(JSONFragment(details)), note))
      case "connection": entries.append((.connection(JSONFragment(details)), note))
      default: throw .invalid("type")
      }
    }
    return (entries, companyID)
  }

  private static func hashRule(
    _ details: JSON
  ) throws(GravityZoneError) -> GravityZoneBlocklistItem.Rule {
    let reader = try GravityZoneParameters(
      details, prefix: "rules.details.", only: ["algorithm", "hash"])
    let algorithms = ["sha256", "md5"]
    guard let position = algorithms.firstIndex(of: try reader.text("algorithm")) else {
      throw .invalid("rules.details.algorithm")
    }
    let hash = try reader.text("hash")
    guard isHash(hash, position + 1) else { throw .invalid("rules.details.hash") }
    return .hash(algorithm: position + 1, hash.lowercased())
  }

  private static func isHash(_ text: String, _ algorithm: Int) -> Bool {
    text.utf8.count == GravityZoneBlocklistItem.digits(algorithm)
      && text.utf8.allSatisfy { Character(UnicodeScalar($0)).isHexDigit }
  }

  func blocklistItems(_ state: GravityZoneState) throws(GravityZoneError) -> JSONFragment {
    let parameters = try parameters("page", "perPage", "companyId")
    let page = try parameters.page()
    let companyID = try parameters.optionalID("companyId") ?? key.companyIDs[0]
    guard key.companyIDs.contains(companyID) else { throw .invalid("companyId") }
    let own = state.blocklist.filter { $0.companyID == companyID }
    if route.minorVersion >= 2 {
      let company = state.companies.first { $0.id == companyID }
      return page.envelope(own) { $0.writeRule(to: &$1, company: company) }
    }
    // v1.0 returns only hashes.
    let hashes = own.filter { item in
      if case .hash = item.rule { true } else { false }
    }
    return page.envelope(hashes) { $0.write(to: &$1) }
  }

  func removeFromBlocklist(
    _ state: inout GravityZoneState
  ) throws(GravityZoneError) -> JSONFragment {
    let ids: [String]
    if route.minorVersion >= 2 {
      ids = try parameters("ids").ids("ids", maximum: 1_000)
    } else {
      ids = [try parameters("hashItemId").id("hashItemId")]
    }
    let own = Set(
      state.blocklist.filter { key.companyIDs.contains($0.companyID) }.map(\.id))
    guard key.mayChangeBlocklist, own.isSuperset(of: ids) else { throw .noSuchBlocklistItem }
    state.blocklist.removeAll { ids.contains($0.id) }
    return Self.yes
  }
}
