import Basics
import HTTP
import IntegrationKit
import JSON

struct ListReports: GravityZoneList {
  static let metadata = CommandMetadata(
    "List Reports", "Lists reports.", permissions: BitdefenderGravityZone.rights,
    items: ItemsPath("result", "items"), rateLimit: Quota.standard,
    errorSamples: [ErrorSample(400, "The value for parameter (Page Size) is invalid.")],
    result: { GravityZoneResults.reports })

  let name: String?
  let type: ReportType?
  let paging: Paging

  init(_ parameters: inout ParamReader) {
    name = parameters.optional(
      "Report Name", .text(maximumCharacters: 1_024),
      "List only the report with exactly this name.",
      examples: ["Report1-Type_Antiphishing Activity"])
    type = parameters.optional(
      "Report Type", .choice(ReportType.self), "List only reports of this type.",
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

/// Requests a download link per report, then downloads the archive with the API key. If a report
/// cannot be downloaded, the command fails, and the error lists the stored files.
struct DownloadReports: GravityZoneCommand, TargetCommand {
  static let metadata = CommandMetadata(
    "Download Reports",
    "Downloads the last instance of reports as files: ZIP archives with a CSV and a PDF.",
    permissions: BitdefenderGravityZone.rights, rateLimit: Quota.standard,
    errorSamples: [ErrorSample(400, "\"Invalid value for 'reportId' parameter.")],
    result: { .array(of: GravityZoneResults.downloadLinks) })
  static let canPartlySucceed = false
  static let requestsPerTarget = 2
  /// Archives are large: more of them side by side only share the bandwidth.
  let maximumConcurrency: Int? = 2

  let reports: [String]

  init(_ parameters: inout ParamReader) {
    reports = parameters.ids(
      "Report IDs", "The reports to download.", from: "list_reports",
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
    let archive = invocation.download()
    var request = HTTPRequest(.get, url)
    request.mayLeaveOrigin = true
    request.bodySink = archive
    let response = try await client.send(request, in: invocation)
    guard response.isSuccess else { throw .upstream(response) }
    try await ReportArchive.check(archive, in: invocation)
    let name =
      ContentDisposition.fileName(response) ?? "report-\(target.names[0]).zip"
    let file = try await invocation.store(archive, name: name, contentType: "application/zip")
    return TargetAnswer(links, files: [file])
  }
}

/// The archive behind a download link.
private enum ReportArchive {
  /// Of the end record: 22 bytes and a comment of up to 65,535 bytes.
  private static let maximumEndBytes = 22 + 65_535

  /// - Throws: if the report is not ready, or the link points to a different origin, which must not
  ///   receive the API key.
  static func url(
    in links: JSON, on client: GravityZoneClient
  ) throws(CommandError) -> String {
    let result = links["result"]
    guard result?["readyForDownload"]?.bool != false else {
      throw CommandError(
        .unavailable, "The report is not ready for download.", isRetryable: true,
        remedy: "Try again later. Instant reports expire in less than a day.")
    }
    guard let url = result?["lastInstanceUrl"]?.string else {
      throw CommandError(
        .upstream, "The response contains no download link for the report.",
        upstream: JSONFragment(links))
    }
    guard client.owns(url) else {
      throw CommandError(
        .upstream,
        "The download link points to a different server, which must not receive the API key.",
        remedy: "If the server in `upstream` belongs to the vendor, set server_url to it.",
        upstream: JSONFragment { $0.object { $0.member("link", url) } })
    }
    return url
  }

  /// - Throws: if the download is not a complete ZIP archive: it starts with a local file header and
  ///   contains the end record, which a truncated archive lacks.
  static func check(
    _ archive: FileDownload, in invocation: Invocation
  ) async throws(CommandError) {
    let (start, end) = try await invocation.ends(of: archive, first: 4, last: maximumEndBytes)
    let isComplete =
      start == [0x50, 0x4B, 0x03, 0x04]
      && end.indices.contains { end[$0...].starts(with: [0x50, 0x4B, 0x05, 0x06]) }
    guard isComplete else {
      throw CommandError(
        .upstream, "The download is not a complete ZIP archive.",
        isRetryable: true,
        remedy: "Try again. If it fails again, download the report in the Control Center.")
    }
  }
}
