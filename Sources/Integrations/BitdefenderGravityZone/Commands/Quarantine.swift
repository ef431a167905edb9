import Basics
import HTTP
import IntegrationKit

struct ListQuarantineItems: GravityZoneList {
  static let metadata = CommandMetadata(
    "List Quarantine Items", "Lists quarantined items of endpoints or Exchange.",
    permissions: BitdefenderGravityZone.rights, items: ItemsPath("result", "items"),
    rateLimit: Quota.standard,
    errorSamples: [ErrorSample(400, "Start Time cannot be greater than End Time.")],
    result: { GravityZoneResults.quarantineItems })

  let endpoint: String?
  let start: Timestamp?
  let end: Timestamp?
  let service: QuarantineService
  let threat: String?
  let status: ActionStatus?
  let paging: Paging

  init(_ parameters: inout ParamReader) {
    endpoint = parameters.optional(
      "Endpoint ID", .text(maximumCharacters: 256), "List only items of this endpoint.",
      from: ParameterSource.endpoints)
    start = parameters.optional(
      "Start Date", .timestamp, "List only items quarantined at or after this time.")
    end = parameters.optional(
      "End Date", .timestamp, "List only items quarantined at or before this time.")
    service = parameters.quarantineService("The service whose items are listed.")
    threat = parameters.optional(
      "Threat Name", .text(maximumCharacters: 1_024),
      "List only items whose threat name contains this text.",
      examples: ["Trojan"])
    status = parameters.optional(
      "Action Status", .choice(ActionStatus.self),
      """
      List only items in this state. Pending save and Failed save exist only for Computers and \
      Virtual Machines.
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
    "Quarantine Files",
    "Creates tasks that quarantine a file on endpoints: on all of them, or on none.",
    effect: .write, isSensitive: true, permissions: BitdefenderGravityZone.rights,
    rateLimit: Quota.tasks,
    readBack: "list_quarantine_items", targetNaming: TargetNaming.endpoints,
    errorSamples: [ErrorSample(400, "No valid target provided.")],
    result: { GravityZoneResults.tasks })

  let endpoints: [String]
  let path: String

  init(_ parameters: inout ParamReader) {
    endpoints = parameters.endpoints("The endpoints on which the file is quarantined.")
    path = parameters.required(
      "File Path", .text(maximumCharacters: 32_767),
      "The full path of the file, including its name.", examples: ["d:\\taskSample\\sample.dll"])
  }

  func request(with client: GravityZoneClient) -> HTTPRequest {
    client.request(.quarantineFile) {
      $0.member("endpointIds", endpoints)
      $0.member("filePath", path)
    }
  }
}

/// The vendor accepts up to 100 items per request and applies it to all of them or to none.
struct RemoveQuarantineFiles: GravityZoneCommand, TargetCommand {
  static let metadata = CommandMetadata(
    "Remove Quarantine Files", "Creates tasks that delete quarantined files from endpoints.",
    effect: .destructive, permissions: BitdefenderGravityZone.rights, rateLimit: Quota.tasks,
    readBack: "list_quarantine_items", targetNaming: TargetNaming.quarantineItems,
    errorSamples: [ErrorSample(400, "At least one specified target is invalid.")],
    result: { .oneOrMore(of: GravityZoneResults.tasks) })
  static let canPartlySucceed = false
  static let unwrapsSingleBody = true

  /// The vendor's limit.
  private static let itemsPerRequest = 100

  let items: [String]
  let service: QuarantineService

  init(_ parameters: inout ParamReader) {
    items = parameters.ids(
      "Quarantine Item IDs", "The items to delete.", from: "list_quarantine_items",
      example: "6affe1e0b1a43d0006000001")
    service = parameters.quarantineService("The service that contains the items.")
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
