import Basics
import HTTP
import IntegrationKit

struct CreateGroup: GravityZoneCommand, RequestCommand {
  static let metadata = CommandMetadata(
    "Create Group", "Creates a custom group of endpoints.", effect: .write, isAdditive: true,
    permissions: BitdefenderGravityZone.rights, rateLimit: Quota.standard,
    readBack: "list_groups",
    errorSamples: [ErrorSample(409, "Group name already exists.")],
    result: { GravityZoneResults.envelope(.text, "The ID of the new group.") })

  let name: String
  let parent: String?

  init(_ parameters: inout ParamReader) {
    name = parameters.required(
      "Group Name", .text(maximumCharacters: 1_024), "The name of the group.",
      examples: ["Group 1-1"])
    parent = parameters.optional(
      "Parent ID", .text(maximumCharacters: 256),
      "The parent company or group. Default: Computers and Groups.",
      from: ParameterSource.groups, examples: ["6affe1e0b1a43d0002000009"])
  }

  func request(with client: GravityZoneClient) -> HTTPRequest {
    client.request(.createGroup) {
      $0.member("groupName", name)
      $0.member(ifPresent: "parentId", parent)
    }
  }
}

struct ListGroups: GravityZoneCommand, RequestCommand {
  static let metadata = CommandMetadata(
    "List Groups",
    """
    Lists the direct subgroups of a group. Without a parent, or with a company as parent, lists \
    the system groups Computers and Groups and Deleted. Custom groups are below them, one level \
    per call.
    """,
    permissions: BitdefenderGravityZone.rights, items: ItemsPath("result"),
    rateLimit: Quota.standard,
    errorSamples: [ErrorSample(400, "Invalid value for 'parentId' parameter.")],
    result: { GravityZoneResults.groups })

  let parent: String?

  init(_ parameters: inout ParamReader) {
    parent = parameters.optional(
      "Parent ID", .text(maximumCharacters: 256),
      "The group whose subgroups are listed. Default: the system groups.",
      from: ParameterSource.parents, examples: ["6affe1e0b1a43d0002000009"])
  }

  func request(with client: GravityZoneClient) -> HTTPRequest {
    client.request(.groups) { $0.member(ifPresent: "parentId", parent) }
  }
}

struct UpdateGroups: GravityZoneCommand, TargetCommand {
  static let metadata = CommandMetadata(
    "Update Groups", "Moves custom groups to another parent group, or deletes them.",
    effect: .destructive, permissions: BitdefenderGravityZone.rights, rateLimit: Quota.standard,
    readBack: "list_groups", targetNaming: TargetNaming.groups,
    errorSamples: [
      ErrorSample(
        400,
        "Incorrect custom group specified through the 'groupId' parameter. Please provide the id of a custom group."
      )
    ],
    result: { .array(of: GravityZoneResults.nothing) })

  let groups: [String]
  let parent: String?
  let method: UpdateMethod
  let isForced: Bool

  init(_ parameters: inout ParamReader) {
    groups = parameters.ids(
      "Group IDs", "The custom groups to move or delete.", from: "list_groups", "$.result[*].id",
      .any("parent_id"),
      example: "6affe1e0b1a43d0002000007")
    parent = parameters.optional(
      "Parent ID", .text(maximumCharacters: 256),
      "The new parent group. Used only to move groups, and then required.",
      from: ParameterSource.groups, examples: ["6affe1e0b1a43d0002000009"])
    method = parameters.optional(
      "Update Method", .choice(UpdateMethod.self),
      """
      Whether to move or delete the groups. The document requires it, but also has this default, so \
      it is optional.
      """,
      default: .move)
    isForced = parameters.optional(
      "Force Delete", .boolean, "Delete groups even if they are not empty.",
      default: false)
    parameters.required("Parent ID", when: "Update Method", isOneOf: "move")
    parameters.allowed("Force Delete", when: "Update Method", isOneOf: "delete")
  }

  func targets(with client: GravityZoneClient) -> [Target] {
    groups.map { group in
      let request =
        switch method {
        case .move:
          client.request(.moveGroup) {
            $0.member("groupId", group)
            $0.member(ifPresent: "parentId", parent)
          }
        case .delete:
          client.request(.deleteGroup) {
            $0.member("groupId", group)
            $0.member("force", isForced)
          }
        }
      return Target(group, request)
    }
  }
}
