import Basics
import HTTP
import IntegrationKit

struct ListQuarantineItems: GravityZoneList {
  static let metadata = CommandMetadata(
    "List Quarantine Items", "Lists what was quarantined on endpoints or in Exchange.",
    permissions: BitdefenderGravityZone.rights, items: ItemsPath("result", "items"),
    rateLimit: Quota.standard, result: { GravityZoneResults.quarantineItems })

  let endpoint: String?
  let start: Timestamp?
  let end: Timestamp?
  let service: QuarantineService
  let threat: String?
  let status: ActionStatus?
  let paging: Paging

  init(_ parameters: inout ParamReader) {
    endpoint = parameters.optional(
      "Endpoint ID", .text(maximumCharacters: 256), "Items of this endpoint.",
      from: ParameterSource.endpoints)
    start = parameters.optional(
      "Start Date", .timestamp, "Items quarantined at that time or later.")
    end = parameters.optional(
      "End Date", .timestamp, "Items quarantined at that time or earlier.")
    service = parameters.quarantineService("Where to look.")
    threat = parameters.optional(
      "Threat Name", .text(maximumCharacters: 1_024), "Items with this in the threat's name.",
      examples: ["Trojan"])
    status = parameters.optional(
      "Action Status", .choice(ActionStatus.self),
      """
      Items in this state. Pending save and Failed save are of Computers and Virtual Machines only.
      """,
      examples: [.pendingRemove])
    paging = parameters.paging()
    parameters.ordered(
      "Start Date", notAfter: "End Date", message: "Start Time cannot be greater than End Time.")
    parameters.allowed(
      "Action Status", onlyFor: ActionStatus.ofComputers.map(ConditionValue.choice),
      when: "Quarantine Item Service", isOneOf: .choice(QuarantineService.computers))
  }

  func request(with client: GravityZoneClient, page: Int64?) -> HTTPRequest {
    client.request(.quarantineItems(service)) { writer in
      writer.member(ifPresent: "endpointId", endpoint)
      paging.write(page: page, to: &writer)
      guard start != nil || end != nil || threat != nil || status != nil else { return }
      writer.name("filters")
      writer.object { writer in
        writer.member(ifPresent: "startDate", start?.withoutZone)
        writer.member(ifPresent: "endDate", end?.withoutZone)
        writer.member(ifPresent: "threatName", threat)
        if let status { writer.member("actionStatus", status) }
      }
    }
  }
}

struct QuarantineFiles: GravityZoneCommand, RequestCommand {
  static let metadata = CommandMetadata(
    "Quarantine Files", "Creates tasks that quarantine a file on endpoints, all of them or none.",
    effect: .write, permissions: BitdefenderGravityZone.rights, rateLimit: Quota.tasks,
    readBack: "list_quarantine_items", targetNaming: TargetNaming.endpoints,
    result: { GravityZoneResults.tasks })

  let endpoints: [String]
  let path: String

  init(_ parameters: inout ParamReader) {
    endpoints = parameters.endpoints("The endpoints on which the file is quarantined.")
    path = parameters.required(
      "File Path", .text(maximumCharacters: 32_767),
      "The full path of the file, with its name.", examples: ["d:\\taskSample\\sample.dll"])
  }

  func request(with client: GravityZoneClient) -> HTTPRequest {
    client.request(.quarantineFile) {
      $0.member("endpointIds", endpoints)
      $0.member("filePath", path)
    }
  }
}

/// The vendor takes a hundred items at a time, all of them or none.
struct RemoveQuarantineFiles: GravityZoneCommand, TargetCommand {
  static let metadata = CommandMetadata(
    "Remove Quarantine Files", "Creates tasks that delete quarantined files from endpoints.",
    effect: .destructive, permissions: BitdefenderGravityZone.rights, rateLimit: Quota.tasks,
    readBack: "list_quarantine_items", targetNaming: TargetNaming.quarantineItems,
    result: { .array(of: GravityZoneResults.tasks) })
  static let canPartlySucceed = false

  /// Items of one request, as the vendor limits them.
  private static let itemsPerRequest = 100

  let items: [String]
  let service: QuarantineService

  init(_ parameters: inout ParamReader) {
    items = parameters.ids(
      "Quarantine Item IDs", "The items to delete.", from: "list_quarantine_items",
      example: "6affe1e0b1a43d0006000001")
    service = parameters.quarantineService("Where the items are.")
  }

  func targets(with client: GravityZoneClient) -> [Target] {
    stride(from: 0, to: items.count, by: Self.itemsPerRequest).map { start in
      let part = Array(items[start..<min(start + Self.itemsPerRequest, items.count)])
      return Target(
        names: part,
        client.request(.removeQuarantined(service)) { $0.member("quarantineItemsIds", part) })
    }
  }
}
