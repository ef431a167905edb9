import IntegrationKit

/// CODA Footprint (also sold as PDQ Detect): scans a company's network surface and lists devices,
/// their vulnerabilities and attack avenues.
///
/// Sources: the product document for orchestrators and the vendor's OpenAPI document
/// (`<instance>/api/openapi/`), revisions 7.12.16 to 7.18.19.
package enum CODAFootprint: Integration {
  package static let metadata = IntegrationMetadata(
    id: "coda_footprint", title: "CODA Footprint",
    description: """
      Vulnerability management for small and medium businesses: devices, their vulnerabilities and \
      attack avenues, scanners and the scan surface.
      """,
    category: "Threat Intelligence")

  package static let commands: [CommandEntry<CODAClient>] = [
    CommandEntry(GetTechnicalContext.self),
    CommandEntry(ListCurrentTargetsPorts.self),
    CommandEntry(ListDeviceAttackAvenues.self),
    CommandEntry(ListDeviceNetworkConnections.self),
    CommandEntry(ListDevices.self),
    CommandEntry(ListDeviceUsers.self),
    CommandEntry(ListDeviceVulnerabilities.self),
    CommandEntry(ListScanners.self),
    CommandEntry(ListScanSurfaces.self),
    CommandEntry(ListTechnicalContexts.self),
    CommandEntry(ListTenants.self),
    CommandEntry(PatchRescan.self),
    CommandEntry(UpdateTargetScanScope.self),
    CommandEntry(TestConnection.self),
  ]

  package static func client(_ settings: CODASettings, on connection: Connection) -> CODAClient {
    CODAClient(settings, on: connection)
  }

  /// The documented roles, the same for every command.
  static let roles: [String] = ["Administrator", "Management", "Operations", "Reporting"]
}

/// A CODA Footprint command.
protocol CODACommand: Command where Client == CODAClient {}
