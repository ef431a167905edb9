import Basics
import BitdefenderGravityZone
import CODAFootprint
import Engine
import Gmail
import IntegrationKit

/// The integrations of this executable.
enum Integrations {
  /// The vendors of this package, one line each.
  private static let builtIn = [
    RegisteredIntegration(BitdefenderGravityZone.self),
    RegisteredIntegration(CODAFootprint.self),
    RegisteredIntegration(Gmail.self),
  ]

  /// Integrations of another package. Must be set before `all` is read.
  static let added = SetOnce<[RegisteredIntegration]>()

  static let all = builtIn + (added.value ?? [])

  static var catalogue: Catalogue {
    Catalogue(all, hash: added.value == nil ? GeneratedCatalogueHash.value : nil)
  }
}
