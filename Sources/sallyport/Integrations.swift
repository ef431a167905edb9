import BitdefenderGravityZone
import CODAFootprint
import Gmail
import Host
import IntegrationKit

/// The integrations of this executable.
enum Integrations {
  static let all = [
    RegisteredIntegration(BitdefenderGravityZone.self),
    RegisteredIntegration(CODAFootprint.self),
    RegisteredIntegration(Gmail.self),
  ]

  static var catalogue: Catalogue { Catalogue(all, hash: GeneratedCatalogueHash.value) }
}
