import Basics
import IntegrationKit
import JSON

/// Parameters that several commands share.
extension ParamReader {
  /// The maximum number of targets per call, far more than the rate limits allow in an hour.
  private static let maximumTargets = 10_000

  mutating func endpoints(_ description: StaticString, title: StaticString = "Endpoint IDs")
    -> [String]
  {
    required(
      title, .list(of: .text(maximumCharacters: 256), count: 1...Self.maximumTargets), description,
      from: ParameterSource.endpoints, examples: [["6affe1e0b1a43d0003000001"]]
    ).withoutDuplicates()
  }

  mutating func ids(
    _ title: StaticString, _ description: StaticString, from command: String,
    _ path: String = "$.result.items[*].id", _ arguments: ParameterSource.Argument...,
    example: String
  ) -> [String] {
    required(
      title, .list(of: .text(maximumCharacters: 256), count: 1...Self.maximumTargets), description,
      from: [ParameterSource(command, path, arguments)], examples: [[example]]
    ).withoutDuplicates()
  }

  mutating func quarantineService(_ description: StaticString) -> QuarantineService {
    required("Quarantine Item Service", .choice(QuarantineService.self), description)
  }

  mutating func paging(exampleSize: Int64 = 5) -> Paging {
    Paging(
      page: optional(
        "Page", .page, "The page number, from 1. Default: 1.", examples: [1]),
      size: optional(
        "Page Size", .integer(from: 1, to: 100), "Items per page. Default: 30.",
        examples: [exampleSize]))
  }
}

extension ParameterSource {
  static let endpoints = [ParameterSource("list_endpoints", "$.result.items[*].id")]
  /// Groups of every kind, with the companies and containers of the inventory.
  static let inventoryGroups = [
    ParameterSource(
      "list_endpoints", "$.result.items[*].id",
      .with("endpoint_type", "active_directory_endpoints")),
    ParameterSource("list_groups", "$.result[*].id"),
  ]
  /// Custom groups. Without a parent, List Groups returns the system groups.
  static let groups = [ParameterSource("list_groups", "$.result[*].id", .any("parent_id"))]
  /// Groups that may be a parent, system groups included.
  static let parents = [ParameterSource("list_groups", "$.result[*].id")]
}

/// The requested part of a list.
struct Paging: Sendable {
  let page: Int64?
  let size: Int64?

  func write(page: Int64?, to writer: inout JSONWriter) {
    writer.member(ifPresent: "page", page)
    writer.member(ifPresent: "perPage", size)
  }
}

/// A paginated list command, as all lists of this vendor are.
protocol GravityZoneList: GravityZoneCommand, PagedCommand {
  var paging: Paging { get }
}

extension GravityZoneList {
  var page: Int64? { paging.page }

  /// From v1.1 on, only the first page contains the page count.
  func counts(in body: JSON) -> PageCounts {
    let result = body["result"]
    return PageCounts(
      pages: result?["pagesCount"], hasMore: result?["hasMoreRecords"], items: result?["total"],
      perPage: result?["perPage"])
  }
}

extension JSONWriter {
  mutating func member(ifPresent name: StaticString, _ value: Int64?) {
    guard let value else { return }
    self.name(name)
    integer(value)
  }

  mutating func member(_ name: StaticString, _ choice: some VendorNumber) {
    member(name, choice.number)
  }

  mutating func member(_ name: StaticString, _ texts: [String]) {
    self.name(name)
    array { for text in texts { $0.string(text) } }
  }
}
