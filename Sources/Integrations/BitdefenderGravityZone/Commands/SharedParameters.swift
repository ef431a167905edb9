import Basics
import IntegrationKit
import JSON

/// Parameters that several commands have.
extension ParamReader {
  /// Targets of one call at most, far beyond what a rate limit lets through in an hour.
  private static let maximumTargets = 10_000

  mutating func endpoints(_ about: StaticString, title: StaticString = "Endpoint IDs") -> [String] {
    required(
      title, .list(of: .text(maximumCharacters: 256), count: 1...Self.maximumTargets), about,
      from: ParameterSource.endpoints, examples: [["6affe1e0b1a43d0003000001"]]
    ).withoutDuplicates()
  }

  mutating func ids(
    _ title: StaticString, _ about: StaticString, from command: StaticString,
    _ path: StaticString = "$.result.items[*].id", example: String
  ) -> [String] {
    required(
      title, .list(of: .text(maximumCharacters: 256), count: 1...Self.maximumTargets), about,
      from: [ParameterSource(command, path)], examples: [[example]]
    ).withoutDuplicates()
  }

  mutating func quarantineService(_ about: StaticString) -> QuarantineService {
    required("Quarantine Item Service", .choice(QuarantineService.self), about)
  }

  mutating func paging() -> Paging {
    Paging(
      page: optional(
        "Page", .page, "The page to read, from 1. Left out, the first.", examples: [1]),
      size: optional(
        "Page Size", .integer(from: 1, to: 100), "Items on a page. Left out, 30.", examples: [5]))
  }
}

extension ParameterSource {
  static let endpoints = [ParameterSource("list_endpoints", "$.result.items[*].id")]
  static let groups = [ParameterSource("list_groups", "$.result[*].id")]
}

/// Which part of a list is asked for.
struct Paging: Sendable {
  let page: Int64?
  let size: Int64?

  func write(page: Int64?, to writer: inout JSONWriter) {
    writer.member(ifPresent: "page", page)
    writer.member(ifPresent: "perPage", size)
  }
}

/// A command that lists with pages, as all of this vendor's lists do.
protocol GravityZoneList: GravityZoneCommand, PagedCommand {
  var paging: Paging { get }
}

extension GravityZoneList {
  var page: Int64? { paging.page }

  func pageCount(in body: JSON) -> Int64? { body["result"]?["pagesCount"]?.integer }

  /// From v1.1 on only the first page says how many there are.
  func isLast(_ body: JSON, page: Int64, of total: Int64?) -> Bool {
    if let more = body["result"]?["hasMoreRecords"]?.bool { return !more }
    return page >= total ?? 1
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
