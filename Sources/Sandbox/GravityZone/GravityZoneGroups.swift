import Basics
import JSON

/// Calls for groups and their endpoints.
extension GravityZoneCall {
  /// For a company or no parent, the two system groups; for a group, its direct subgroups.
  func customGroups(_ state: GravityZoneState) throws(GravityZoneError) -> JSONFragment {
    let id = try parameters("parentId").optionalID("parentId") ?? key.companyIDs[0]
    guard state.container(id, key) != nil else { throw .invalid("parentId") }
    let shown = state.groups.filter { $0.parentID == id }
    return JSONFragment { writer in
      writer.array { writer in for group in shown { group.write(to: &writer) } }
    }
  }

  func createGroup(_ state: inout GravityZoneState) throws(GravityZoneError) -> JSONFragment {
    let parameters = try parameters("groupName", "parentId")
    let name = try parameters.text("groupName")
    let parent = try parent(try parameters.optionalID("parentId") ?? key.companyIDs[0], state)
    try checkName(name, in: parent, state)
    let id = state.makeID(.group, now: now)
    state.groups.append(
      GravityZoneGroup(
        id: id, name: name, kind: .custom, parentID: parent.id, companyID: parent.companyID))
    return JSONFragment { $0.string(id) }
  }

  func moveGroup(_ state: inout GravityZoneState) throws(GravityZoneError) -> JSONFragment {
    let parameters = try parameters("groupId", "parentId")
    let (id, parentID) = (try parameters.id("groupId"), try parameters.id("parentId"))
    let index = try customGroup(id, state)
    let parent = try parent(parentID, state)
    let group = state.groups[index]
    guard parent.companyID == group.companyID, !state.subtree(group.id).contains(parent.id) else {
      throw .invalid("parentId")
    }
    if group.parentID != parent.id { try checkName(group.name, in: parent, state) }
    state.groups[index].parentID = parent.id
    return .null
  }

  /// With `force`, the contents move to the group Deleted.
  func deleteGroup(_ state: inout GravityZoneState) throws(GravityZoneError) -> JSONFragment {
    let parameters = try parameters("groupId", "force")
    let (id, isForced) = (try parameters.id("groupId"), try parameters.flag("force") ?? false)
    let group = state.groups[try customGroup(id, state)]
    let ids = state.subtree(group.id)
    let isEmpty = ids.count == 1 && !state.endpoints.contains { $0.groupID == group.id }
    guard isEmpty || isForced else { throw .groupNotEmpty }
    let deleted = state.system(.deleted, of: group.companyID).id
    for index in state.endpoints.indices where ids.contains(state.endpoints[index].groupID) {
      state.endpoints[index].groupID = deleted
    }
    state.groups.removeAll { ids.contains($0.id) }
    return .null
  }

  /// All or nothing.
  func moveEndpoints(_ state: inout GravityZoneState) throws(GravityZoneError) -> JSONFragment {
    let parameters = try parameters("endpointIds", "groupId")
    let ids = try parameters.ids("endpointIds", maximum: 1_000)
    let target = try parameters.id("groupId")
    guard let group = state.groupIndex(target, key).map({ state.groups[$0] }),
      group.kind != .deleted
    else { throw .noCustomGroup }
    let indices = ids.compactMap { state.endpointIndex($0, key) }
    guard indices.count == ids.count else { throw .invalid("endpointIds") }
    guard indices.allSatisfy({ state.endpoints[$0].companyID == group.companyID }) else {
      throw .otherCompany
    }
    for index in indices { state.endpoints[index].groupID = group.id }
    return .null
  }

  // MARK: Looking up

  private func customGroup(
    _ id: String, _ state: GravityZoneState
  ) throws(GravityZoneError) -> Int {
    guard let index = state.groupIndex(id, key), state.groups[index].kind == .custom else {
      throw .noCustomGroup
    }
    return index
  }

  private func parent(
    _ id: String, _ state: GravityZoneState
  ) throws(GravityZoneError) -> GravityZoneGroup {
    guard let group = state.container(id, key), group.kind != .deleted else {
      throw .invalid("parentId")
    }
    return group
  }

  private func checkName(
    _ name: String, in parent: GravityZoneGroup, _ state: GravityZoneState
  ) throws(GravityZoneError) {
    guard !state.groups.contains(where: { $0.parentID == parent.id && $0.name == name }) else {
      throw .groupNameTaken
    }
  }
}
