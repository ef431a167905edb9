import HTTP
import IntegrationKit
import RateLimits

/// Bitdefender GravityZone: groups, endpoints, scans, quarantine, isolation, block list and reports
/// of a Control Center.
///
/// Sources: the product document for orchestrators and the vendor's public API pages
/// (bitdefender.com/business/support, "Public API").
package enum BitdefenderGravityZone: Integration {
  package static let metadata = IntegrationMetadata(
    id: "bitdefender_gravityzone", title: "Bitdefender GravityZone",
    description: """
      Endpoint security: manages groups and endpoints, scans and isolates endpoints, quarantines \
      files, maintains the block list and downloads reports.
      """,
    category: "Endpoint Security")

  package static let commands: [CommandEntry<GravityZoneClient>] = [
    CommandEntry(AddToBlocklist.self),
    CommandEntry(CreateGroup.self),
    CommandEntry(CreateScanTask.self),
    CommandEntry(DeleteEndpoints.self),
    CommandEntry(DownloadReports.self),
    CommandEntry(GetManagedEndpointDetails.self),
    CommandEntry(IsolateEndpoints.self),
    CommandEntry(ListBlockList.self),
    CommandEntry(ListEndpoints.self),
    CommandEntry(ListGroups.self),
    CommandEntry(ListQuarantineItems.self),
    CommandEntry(ListReports.self),
    CommandEntry(ListScanTasks.self),
    CommandEntry(MoveEndpoints.self),
    CommandEntry(QuarantineFiles.self),
    CommandEntry(RemoveFromBlockList.self),
    CommandEntry(RemoveQuarantineFiles.self),
    CommandEntry(RestoreEndpoints.self),
    CommandEntry(UpdateEndpointLabels.self),
    CommandEntry(UpdateGroups.self),
    CommandEntry(TestConnection.self),
  ]

  package static func client(
    _ settings: GravityZoneSettings, on connection: Connection
  ) -> GravityZoneClient {
    GravityZoneClient(settings, on: connection)
  }

  /// The rights that the document requires for the account of the API key.
  static let rights: [String] = [
    "Manage Networks", "Manage Users", "Manage Company", "View and analyze data",
  ]
}

/// The vendor's rate limits per API key. All commands that name a quota share it.
///
/// The document lists commands under a number of requests "per API Key". That they share the quota
/// is the cautious interpretation.
enum Quota {
  static let standard = RateQuota("default", RateLimit(requests: 10, perSeconds: 1))
  static let tasks = RateQuota("tasks", RateLimit(requests: 30, perSeconds: 60))
  static let blockList = RateQuota("blocklist", RateLimit(requests: 5, perSeconds: 60))
}

/// A GravityZone command.
protocol GravityZoneCommand: Command where Client == GravityZoneClient {}
