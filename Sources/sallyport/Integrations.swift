import BitdefenderGravityZone
import CODAFootprint
import Gmail
import Engine
import IntegrationKit

/// The vendors of this executable, one line each.
enum Integrations {
  static let all = [
    RegisteredIntegration(BitdefenderGravityZone.self),
    RegisteredIntegration(CODAFootprint.self),
    RegisteredIntegration(Gmail.self),
  ]

  static var catalogue: Catalogue { Catalogue(all, hash: GeneratedCatalogueHash.value) }
}
