import Basics
import JSON

/// Calls for one endpoint.
extension GravityZoneCall {
  func endpointDetails(_ state: GravityZoneState) throws(GravityZoneError) -> JSONFragment {
    let parameters = try parameters("endpointId", "options")
    let id = try parameters.id("endpointId")
    if state.container(id, key) != nil { throw .notQueryable }
    guard let index = state.endpointIndex(id, key) else { throw .invalid("endpointId") }
    let endpoint = state.endpoints[index]
    guard endpoint.isManaged else { throw .notQueryable }
    let group = state.groups.first { $0.id == endpoint.groupID }
    return JSONFragment { endpoint.writeDetails(to: &$0, group: group, now: now) }
  }

  /// Moves an endpoint into the group Deleted; removes it if it is already there.
  func deleteEndpoint(_ state: inout GravityZoneState) throws(GravityZoneError) -> JSONFragment {
    let id = try parameters("endpointId").id("endpointId")
    guard let index = state.endpointIndex(id, key) else { throw .invalid("endpointId") }
    let deleted = state.system(.deleted, of: state.endpoints[index].companyID).id
    if state.endpoints[index].groupID == deleted {
      state.endpoints.remove(at: index)
      state.quarantine.removeAll { $0.endpointID == id }
    } else {
      state.endpoints[index].groupID = deleted
    }
    return .null
  }

  /// Also accepts a group, although its label is never shown.
  func setLabel(_ state: inout GravityZoneState) throws(GravityZoneError) -> JSONFragment {
    let parameters = try parameters("endpointId", "label")
    let id = try parameters.id("endpointId")
    guard let label = try parameters.optionalText("label"), label.count <= 64 else {
      throw .invalid("label")
    }
    if state.groupIndex(id, key) != nil { return Self.yes }
    guard let index = state.endpointIndex(id, key) else { throw .endpointNotFound }
    state.endpoints[index].label = label
    return Self.yes
  }
}
