import IntegrationKit

/// Result shapes from the vendor's pages (v1.0, main members).
enum GravityZoneResults {
  static func envelope(_ result: ResultShape, _ description: StaticString? = nil) -> ResultShape {
    .object([
      .init("jsonrpc", .text), .init("id", .text), .init("result", result, description),
    ])
  }

  static func paged(_ item: ResultShape) -> ResultShape {
    envelope(
      .object([
        .init("page", .integer, "Page number, from 1."),
        .init("pagesCount", .integer, "Number of pages."),
        .init("perPage", .integer),
        .init("total", .integer, "Number of items on all pages."),
        .init("items", .array(of: item)),
      ]))
  }

  static let done = envelope(.any, "true, or task IDs.")
  static let nothing = envelope(.any, "null.")
  static let tasks = envelope(.any, "true; from v1.1 on, task IDs.")
  static let isolation = envelope(.any, "true; from v1.1 on, task IDs.")

  static let blockList = paged(
    .object([
      .init("id", .text), .init("hashType", .integer, "1 SHA-256, 2 MD5."), .init("hash", .text),
      .init("source", .any, "1 incident, 2 import, 3 manual."), .init("sourceInfo", .text),
      .init("filename", .text), .init("companyId", .text),
    ]))

  static let groups = envelope(
    .array(of: .object([.init("id", .text), .init("name", .text)])))

  static let endpoints = paged(
    .object([
      .init("id", .text), .init("name", .text), .init("label", .text), .init("fqdn", .text),
      .init("groupId", .text), .init("isManaged", .boolean),
      .init("machineType", .integer, "1 computer, 2 virtual machine, 3 EC2 instance, 0 other."),
      .init("operatingSystemVersion", .text), .init("ip", .text),
      .init("macs", .array(of: .text), "Without separators."), .init("ssid", .text),
      .init("managedWithBest", .boolean),
      .init(
        "type", .integer, "Active Directory Endpoints: 4 group, 5 computer, 6 virtual machine."),
      .init("parentId", .text), .init("companyId", .text), .init("details", .any),
    ]))

  static let endpointDetails = envelope(
    .object([
      .init("id", .text), .init("name", .text), .init("companyId", .text),
      .init("operatingSystem", .text),
      .init("state", .integer, "1 online, 2 offline, 3 suspended, 0 unknown."),
      .init("ip", .text), .init("lastSeen", .text), .init("machineType", .integer),
      .init("agent", .any), .init("group", .any), .init("malwareStatus", .any),
      .init("modules", .any), .init("policy", .any), .init("label", .text),
      .init("managedWithBest", .boolean),
    ]))

  static let scanTasks = paged(
    .object([
      .init("id", .text), .init("name", .text),
      .init("status", .integer, "1 pending, 2 in progress, 3 finished."),
      .init("startDate", .text),
    ]))

  static let quarantineItems = paged(
    .object([
      .init("id", .text), .init("quarantinedOn", .text),
      .init("actionStatus", .integer, "0 none, 1 pending remove, 2 pending restore."),
      .init("endpointId", .text), .init("endpointName", .text), .init("endpointIP", .text),
      .init("canBeRestored", .boolean), .init("canBeRemoved", .boolean),
      .init("threatName", .text), .init("details", .any),
    ]))

  static let reports = paged(
    .object([
      .init("id", .text), .init("name", .text), .init("type", .integer),
      .init("occurrence", .integer, "1 instant, 2 hourly, 3 daily, 4 weekly, 5 monthly."),
    ]))

  static let downloadLinks = envelope(
    .object([
      .init("readyForDownload", .boolean), .init("lastInstanceUrl", .text),
      .init("allInstancesUrl", .text, "Only for scheduled reports."),
    ]))
}
