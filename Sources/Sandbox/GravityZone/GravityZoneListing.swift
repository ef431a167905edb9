import Basics
import JSON

/// Lists of the network inventory.
extension GravityZoneCall {
  private enum Item {
    case company(GravityZoneCompany)
    case group(GravityZoneGroup)
    case endpoint(GravityZoneEndpoint)
  }

  /// Without a parent, the content of Computers and Groups in the key's own company.
  func endpointsList(_ state: GravityZoneState) throws(GravityZoneError) -> JSONFragment {
    let parameters = try parameters("parentId", "isManaged", "page", "perPage", "filters")
    let parentID = try parameters.optionalID("parentId")
    let isManaged = try parameters.flag("isManaged")
    let page = try parameters.page(maximum: route.minorVersion >= 1 ? 1_000 : 100)
    let filter = try GravityZoneInventoryFilter(parameters, hasTypes: false)
    let group = state.container(parentID ?? key.companyIDs[0], key)
    guard let group else { throw .invalid("parentId") }
    let isCompany = parentID.map { $0 != group.id } ?? false
    // A recursive list of a company includes the group Deleted, in addition to Computers and
    // Groups.
    let parents =
      filter.isRecursive ? state.subtree(isCompany ? group.companyID : group.id) : [group.id]
    let shown = state.endpoints.filter { endpoint in
      parents.contains(endpoint.groupID) && isShown(endpoint) && filter.admits(endpoint)
        && isManaged.map { $0 == endpoint.isManaged } ?? true
    }
    return page.envelope(shown) { $0.writeListed(to: &$1) }
  }

  /// On-premises, each type of machine has a separate path.
  private func isShown(_ endpoint: GravityZoneEndpoint) -> Bool {
    let isVirtual = endpoint.machine == .virtualMachine || endpoint.machine == .ec2Instance
    return switch route.kind {
    case .computers: !isVirtual
    case .virtualmachines: isVirtual
    default: true
    }
  }

  /// Without a parent, the companies of the key.
  func inventory(_ state: GravityZoneState) throws(GravityZoneError) -> JSONFragment {
    let parameters = try parameters("parentId", "page", "perPage", "filters")
    let parentID = try parameters.optionalID("parentId")
    let page = try parameters.page(maximum: route.minorVersion >= 1 ? 1_000 : 100)
    let filter = try GravityZoneInventoryFilter(parameters, hasTypes: true)
    let companies = state.companies(of: key)
    var items: [Item] = []
    if let parentID {
      guard state.container(parentID, key) != nil else { throw .invalid("parentId") }
      items = contents(of: parentID, state, isRecursive: filter.isRecursive)
    } else {
      for company in companies {
        items.append(.company(company))
        if filter.isRecursive { items += contents(of: company.id, state, isRecursive: true) }
      }
    }
    items.removeAll { item in
      switch item {
      case .company(let company): !filter.admits(type: 1, name: company.name)
      case .group(let group): !filter.admits(type: Self.type(of: group), name: group.name)
      case .endpoint(let endpoint): !filter.admits(endpoint)
      }
    }
    return route.minorVersion >= 1
      ? page.inventoryEnvelope(items, Self.write) : page.envelope(items, Self.write)
  }

  private func contents(of id: String, _ state: GravityZoneState, isRecursive: Bool) -> [Item] {
    let parents = isRecursive ? state.subtree(id) : [id]
    return state.groups.filter { parents.contains($0.parentID) }.map { .group($0) }
      + state.endpoints.filter { parents.contains($0.groupID) && isShown($0) }
      .map { .endpoint($0) }
  }

  private static func type(of group: GravityZoneGroup) -> Int { group.kind == .custom ? 4 : 2 }

  private static func write(_ item: Item, to writer: inout JSONWriter) {
    writer.object { writer in
      switch item {
      case .company(let company):
        writer.member("id", company.id)
        writer.member("name", company.name)
        writer.member("type", 1)
        writer.name("parentId")
        writer.null()
        writer.member("companyId", company.id)
        writer.name("details")
        writer.object { $0.member("country", "") }
      case .group(let group):
        writer.member("id", group.id)
        writer.member("name", group.name)
        writer.member("type", type(of: group))
        writer.member("parentId", group.parentID)
        writer.member("companyId", group.companyID)
      case .endpoint(let endpoint):
        writer.member("id", endpoint.id)
        writer.member("name", endpoint.name)
        writer.member("type", endpoint.inventoryType)
        writer.member("parentId", endpoint.groupID)
        writer.member("companyId", endpoint.companyID)
        writer.name("details")
        endpoint.writeInventoryDetails(to: &writer)
      }
    }
  }
}
