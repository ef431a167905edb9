import Basics
import HTTP
import IntegrationKit
import JSON

struct ListReports: GravityZoneList {
  static let metadata = CommandMetadata(
    "List Reports", "Lists reports.", permissions: BitdefenderGravityZone.rights,
    items: ItemsPath("result", "items"), rateLimit: Quota.standard,
    result: { GravityZoneResults.reports })

  let name: String?
  let type: ReportType?
  let paging: Paging

  init(_ parameters: inout ParamReader) {
    name = parameters.optional(
      "Report Name", .text(maximumCharacters: 1_024), "The report with this full name.",
      examples: ["Report1-Type_Antiphishing Activity"])
    type = parameters.optional(
      "Report Type", .choice(ReportType.self), "Reports of this type.",
      examples: [.antiphishingActivity])
    paging = parameters.paging()
  }

  func request(with client: GravityZoneClient, page: Int64?) -> HTTPRequest {
    client.request(.reports) { writer in
      writer.member(ifPresent: "name", name)
      if let type { writer.member("type", type) }
      paging.write(page: page, to: &writer)
    }
  }
}

/// For each report a link is asked for, then the archive behind it is fetched with the key. A
/// report that cannot be had makes the command fail; the error tells which ones were stored.
struct DownloadReports: GravityZoneCommand, TargetCommand {
  static let metadata = CommandMetadata(
    "Download Reports",
    "Fetches the last instance of reports: ZIP archives of a CSV and a PDF, kept as files.",
    permissions: BitdefenderGravityZone.rights, rateLimit: Quota.standard,
    result: { .array(of: GravityZoneResults.downloadLinks) })
  static let canPartlySucceed = false
  static let requestsPerTarget = 2
  /// Each archive is held in memory until it is whole.
  static let maximumConcurrency = 2

  let reports: [String]

  init(_ parameters: inout ParamReader) {
    reports = parameters.ids(
      "Report IDs", "The reports to fetch.", from: "list_reports",
      example: "6affe1e0b1a43d0007000002")
  }

  func targets(with client: GravityZoneClient) -> [Target] {
    reports.map { report in
      Target(report, client.request(.downloadLinks) { $0.member("reportId", report) })
    }
  }

  func run(
    _ target: Target, with client: GravityZoneClient, in invocation: Invocation
  ) async throws(CommandError) -> TargetAnswer {
    let links = try await client.exchange(target.request, in: invocation)
    let url = try ReportArchive.url(in: links, on: client)
    let response = try await client.send(HTTPRequest(.get, url), in: invocation)
    let archive = try ReportArchive(response, of: target.names[0])
    let file = try await invocation.store(
      archive.content, name: archive.name, contentType: "application/zip")
    return TargetAnswer(links, files: [file])
  }
}

/// What a download link leads to.
private struct ReportArchive {
  let name: String
  let content: [UInt8]

  /// - Throws: when the report is not ready, or the link leads where the key must not go.
  static func url(
    in links: JSON, on client: GravityZoneClient
  ) throws(CommandError) -> String {
    let result = links["result"]
    guard result?["readyForDownload"]?.bool != false else {
      throw CommandError(
        .unavailable, "The report is not ready for download.", isRetryable: true,
        remedy: "Try again later. Instant reports are kept for less than a day.")
    }
    guard let url = result?["lastInstanceUrl"]?.string else {
      throw CommandError(
        .upstream, "The vendor named no link for the report.", upstream: JSONFragment(links))
    }
    guard client.owns(url) else {
      throw CommandError(
        .upstream,
        "The link of the report leads to another server, which must not get the API key.",
        remedy: "Set server_url to the server that upstream shows, if it is the vendor's.",
        upstream: JSONFragment { $0.object { $0.member("link", url) } })
    }
    return url
  }

  /// - Throws: when the answer is no ZIP archive.
  init(_ response: HTTPResponse, of report: String) throws(CommandError) {
    guard response.isSuccess else { throw .upstream(response) }
    guard Self.isWhole(response.body) else {
      throw CommandError(
        .upstream, "What the link of the report leads to is not a ZIP archive, or not a whole one.",
        isRetryable: true, remedy: "Try again; if it stays so, fetch it in the Control Center.")
    }
    content = response.body
    name = ContentDisposition.fileName(response) ?? "report-\(report).zip"
  }

  /// Whether it starts with the header of a file and ends with the record that ends an archive, which
  /// an archive that was cut short does not have.
  private static func isWhole(_ body: [UInt8]) -> Bool {
    guard body.starts(with: [0x50, 0x4B, 0x03, 0x04]) else { return false }
    // The record is 22 bytes and may have a comment of 65,535 behind it.
    let end = body.suffix(22 + 65_535)
    return end.indices.contains { end[$0...].starts(with: [0x50, 0x4B, 0x05, 0x06]) }
  }
}
