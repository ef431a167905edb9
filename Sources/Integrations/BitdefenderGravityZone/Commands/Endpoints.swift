import Basics
import HTTP
import IntegrationKit

struct ListEndpoints: GravityZoneList {
  static let metadata = CommandMetadata(
    "List Endpoints",
    """
    Lists the endpoints of a company or group. With Active Directory Endpoints, also lists \
    companies, groups and containers (type 4 is a group).
    """,
    permissions: BitdefenderGravityZone.rights, items: ItemsPath("result", "items"),
    rateLimit: Quota.standard,
    errorSamples: [
      ErrorSample(
        400,
        "Wrong syntax string provided in parameter 'Filters', please refer to the parameter description and sample data."
      )
    ],
    result: { GravityZoneResults.endpoints })

  let parent: String?
  let paging: Paging
  let type: EndpointType
  let isManaged: Bool
  let filters: EndpointFilters?

  init(_ parameters: inout ParamReader) {
    parent = parameters.optional(
      "Company or Group ID", .text(maximumCharacters: 256),
      """
      The company or group whose endpoints are listed. Default: Computers and Groups, direct \
      members only.
      """,
      from: ParameterSource.inventoryGroups)
    paging = parameters.paging(exampleSize: 10)
    type = parameters.required(
      "Endpoint Type", .choice(EndpointType.self), "The inventory to read.",
      examples: [.endpoints])
    isManaged = parameters.optional(
      "Is Managed", .boolean, "List only managed endpoints. False lists all endpoints.",
      default: false)
    filters = parameters.optional("Filters", .endpointFilters, EndpointFilters.description)
    parameters.allowed("Is Managed", when: "Endpoint Type", isOneOf: "endpoints")
    if type == .endpoints, let problem = filters?.directoryOnlyProblem {
      parameters.refuse("Filters", problem)
    }
  }

  func request(with client: GravityZoneClient, page: Int64?) -> HTTPRequest {
    client.request(type == .endpoints ? .endpoints : .inventory) { writer in
      writer.member(ifPresent: "parentId", parent)
      // False would list only unmanaged endpoints.
      if isManaged { writer.member("isManaged", true) }
      paging.write(page: page, to: &writer)
      if let filters { writer.member("filters", filters.json) }
    }
  }
}

struct GetManagedEndpointDetails: GravityZoneCommand, TargetCommand {
  static let metadata = CommandMetadata(
    "Get Managed Endpoint Details",
    "Returns the state, agent, modules, group and policy of managed endpoints.",
    permissions: BitdefenderGravityZone.rights, rateLimit: Quota.standard,
    errorSamples: [ErrorSample(403, "This endpoint cannot be queried.")],
    result: { .array(of: GravityZoneResults.endpointDetails) })

  let endpoints: [String]

  init(_ parameters: inout ParamReader) {
    endpoints = parameters.endpoints(
      "The managed endpoints to look up. Groups are not accepted.", title: "Managed Endpoint IDs")
  }

  func targets(with client: GravityZoneClient) -> [Target] {
    endpoints.map { endpoint in
      Target(endpoint, client.request(.endpointDetails) { $0.member("endpointId", endpoint) })
    }
  }
}

struct MoveEndpoints: GravityZoneCommand, RequestCommand {
  static let metadata = CommandMetadata(
    "Move Endpoints", "Moves endpoints to a custom group. All are moved, or none.", effect: .write,
    isIdempotent: true, permissions: BitdefenderGravityZone.rights, rateLimit: Quota.standard,
    readBack: "list_endpoints", targetNaming: TargetNaming.endpoints,
    errorSamples: [
      ErrorSample(
        409, "One or more endpoints do not belong to the same company with the target custom group."
      )
    ],
    result: { GravityZoneResults.nothing })

  let endpoints: [String]
  let group: String

  init(_ parameters: inout ParamReader) {
    endpoints = parameters.endpoints("The endpoints to move. Groups are not accepted.")
    group = parameters.required(
      "Group ID", .text(maximumCharacters: 256), "The target custom group.",
      from: ParameterSource.groups, examples: ["6affe1e0b1a43d0002000009"])
  }

  func request(with client: GravityZoneClient) -> HTTPRequest {
    client.request(.moveEndpoints) {
      $0.member("endpointIds", endpoints)
      $0.member("groupId", group)
    }
  }
}

struct DeleteEndpoints: GravityZoneCommand, TargetCommand {
  static let metadata = CommandMetadata(
    "Delete Endpoints",
    "Moves endpoints of custom groups to Deleted. A second call deletes them permanently.",
    effect: .destructive, permissions: BitdefenderGravityZone.rights, rateLimit: Quota.tasks,
    readBack: "list_endpoints", targetNaming: TargetNaming.endpoints,
    errorSamples: [ErrorSample(400, "Invalid value for 'endpointId' parameter.")],
    result: { .array(of: GravityZoneResults.nothing) })

  let endpoints: [String]

  init(_ parameters: inout ParamReader) {
    endpoints = parameters.endpoints("The endpoints to delete. Groups are not accepted.")
  }

  func targets(with client: GravityZoneClient) -> [Target] {
    endpoints.map { endpoint in
      Target(endpoint, client.request(.deleteEndpoint) { $0.member("endpointId", endpoint) })
    }
  }
}

struct UpdateEndpointLabels: GravityZoneCommand, TargetCommand {
  static let metadata = CommandMetadata(
    "Update Endpoint Labels", "Sets or clears the label of endpoints.", effect: .write,
    isIdempotent: true, permissions: BitdefenderGravityZone.rights, rateLimit: Quota.standard,
    readBack: "get_managed_endpoint_details", targetNaming: TargetNaming.endpoints,
    errorSamples: [
      ErrorSample(403, "Endpoint not found or not enough privileges to access this resource.")
    ],
    result: { .array(of: GravityZoneResults.done) })

  /// The vendor counts Unicode scalars.
  private static let maximumCharacters = 64

  let endpoints: [String]
  let label: String

  init(_ parameters: inout ParamReader) {
    endpoints = parameters.endpoints("The endpoints or containers to label.")
    let text = parameters.optional(
      "Label", .blankableText,
      "The label, truncated to 64 characters. A blank or missing label removes the current one.",
      examples: ["Custom label"])
    label = Self.truncate(text ?? "")
  }

  /// Does not split a character of several scalars.
  private static func truncate(_ text: String) -> String {
    if text.allSatisfy(\.isWhitespace) { return "" }
    var room = maximumCharacters
    let whole = text.prefix { character in
      room -= character.unicodeScalars.count
      return room >= 0
    }
    // A single character with too many scalars is split after all: "" would remove the label.
    return whole.isEmpty
      ? String(String.UnicodeScalarView(text.unicodeScalars.prefix(maximumCharacters)))
      : String(whole)
  }

  func targets(with client: GravityZoneClient) -> [Target] {
    endpoints.map { endpoint in
      Target(
        endpoint,
        client.request(.setLabel) {
          $0.member("endpointId", endpoint)
          $0.member("label", label)
        })
    }
  }
}
