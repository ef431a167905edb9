import Basics
import HTTP
import IntegrationKit
import JSON

struct CreateScanTask: GravityZoneCommand, TargetCommand {
  static let metadata = CommandMetadata(
    "Create Scan Task",
    """
    Creates a scan of endpoints, named by id, by MAC address or both; each kind is a request and \
    may fail by itself.
    """,
    effect: .write, permissions: BitdefenderGravityZone.rights, rateLimit: Quota.tasks,
    readBack: "list_scan_tasks", result: { .array(of: GravityZoneResults.done) })

  let name: String?
  let endpoints: [String]
  let macAddresses: [String]
  let type: ScanType
  let depth: ScanDepth
  let paths: [String]

  init(_ parameters: inout ParamReader) {
    name = parameters.optional(
      "Scan Name", .text(maximumCharacters: 1_024),
      "The name of the scan. Left out, the vendor makes one.", examples: ["my scan 1"])
    endpoints =
      parameters.optional(
        "Endpoint IDs", .list(of: .text(maximumCharacters: 256), count: 0...10_000),
        "The endpoints or containers to scan.", from: ParameterSource.endpoints,
        examples: [["6affe1e0b1a43d0003000001"]])?.withoutDuplicates() ?? []
    macAddresses =
      parameters.optional(
        "Mac Addresses", .list(of: .text(maximumCharacters: 64), count: 0...100),
        "The MAC addresses of endpoints to scan, 100 at most.",
        from: [
          ParameterSource("list_endpoints", "$.result.items[*].macs[*]"),
          ParameterSource("list_endpoints", "$.result.items[*].details.macs[*]"),
        ], examples: [["0250f2000001"]])?.map(MACAddress.bare).withoutDuplicates() ?? []
    type = parameters.optional(
      "Scan Type", .choice(ScanType.self), "What is scanned.", default: .quick)
    depth = parameters.optional(
      "Custom Scan Depth", .choice(ScanDepth.self), "How thorough a custom scan is.",
      default: .aggressive)
    paths =
      parameters.optional(
        "Custom Scan Paths", .list(of: .text(maximumCharacters: 4_096), count: 1...1_000),
        "The paths of a custom scan; LocalDrives stands for all of them.",
        examples: [["LocalDrives"]]) ?? []
    parameters.atLeastOne(
      of: "Endpoint IDs", "Mac Addresses",
      message:
        "The input parameters 'Endpoint IDs' & 'Mac Addresses' cannot be empty at the same time.")
    parameters.required("Custom Scan Paths", when: "Scan Type", isOneOf: "custom_scan")
    parameters.allowed("Custom Scan Depth", when: "Scan Type", isOneOf: "custom_scan")
    parameters.allowed("Custom Scan Paths", when: "Scan Type", isOneOf: "custom_scan")
  }

  func targets(with client: GravityZoneClient) -> [Target] {
    var targets: [Target] = []
    if !endpoints.isEmpty {
      targets.append(
        Target(
          "endpoint_ids",
          client.request(.createScan) {
            $0.member("targetIds", endpoints)
            writeSettings(to: &$0)
          }))
    }
    if !macAddresses.isEmpty {
      targets.append(
        Target(
          "mac_addresses",
          client.request(.createScanByMac) {
            $0.member("macAddresses", macAddresses)
            writeSettings(to: &$0)
          }))
    }
    return targets
  }

  private func writeSettings(to writer: inout JSONWriter) {
    writer.member("type", type)
    writer.member(ifPresent: "name", name)
    guard type == .custom else { return }
    writer.name("customScanSettings")
    writer.object {
      $0.member("scanDepth", depth)
      $0.member("scanPath", paths)
    }
  }
}

struct ListScanTasks: GravityZoneList {
  static let metadata = CommandMetadata(
    "List Scan Tasks", "Lists scan tasks.", permissions: BitdefenderGravityZone.rights,
    items: ItemsPath("result", "items"), rateLimit: Quota.standard,
    result: { GravityZoneResults.scanTasks })

  let name: String?
  let status: ScanStatus?
  let paging: Paging

  init(_ parameters: inout ParamReader) {
    name = parameters.optional(
      "Scan Name", .text(maximumCharacters: 1_024),
      "Tasks whose name starts so; with a leading asterisk, contains it.",
      examples: ["Scan 2022"])
    status = parameters.optional(
      "Status", .choice(ScanStatus.self), "Tasks in this state.", examples: [.finished])
    paging = parameters.paging()
  }

  func request(with client: GravityZoneClient, page: Int64?) -> HTTPRequest {
    client.request(.scanTasks) { writer in
      writer.member(ifPresent: "name", name)
      if let status { writer.member("status", status) }
      paging.write(page: page, to: &writer)
    }
  }
}

enum MACAddress {
  /// The vendor writes addresses without separators: `00:0C:29:AB:CD:EF` is `000C29ABCDEF`. What is
  /// no address with separators stays as it is.
  static func bare(_ text: String) -> String {
    let parts = text.split(omittingEmptySubsequences: false) { $0 == ":" || $0 == "-" }
    guard parts.count == 6, parts.allSatisfy({ $0.count == 2 && $0.allSatisfy(\.isHexDigit) })
    else { return text }
    return parts.joined()
  }
}
