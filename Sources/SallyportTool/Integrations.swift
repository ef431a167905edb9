import Basics
import BitdefenderGravityZone
import CODAFootprint
import Engine
import Gmail
import IntegrationKit
import PluginHost

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

  static let inExecutable = builtIn + (added.value ?? [])

  /// Integrations outside the executable. Must be set before `catalogue` is read.
  static let plugins = SetOnce<PluginSet>()

  /// All integrations. Blocks while plugins must be started to be known.
  static var all: [RegisteredIntegration] {
    plugins.value?.loadAll()
    return inExecutable + (plugins.value?.known ?? [])
  }

  static let catalogue = Catalogue(
    inExecutable, hash: added.value == nil ? GeneratedCatalogueHash.value : nil,
    and: plugins.value)
}
