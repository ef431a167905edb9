import IntegrationKit
import JSON

/// What the connections file says of a connection, to recognise that it has changed: spaces and the
/// order of members do not count.
struct ConfiguredDefinition: Equatable, Sendable {
  private let rest: String
  /// By name, as canonical JSON.
  private var settings: [String: String] = [:]

  /// - Parameter connection: with the values of its references; see `PlainReferences`.
  init(_ connection: JSON) {
    rest = JSONFragment(connection.removing("settings")).canonicalText
    guard let settings = connection["settings"] else { return }
    for setting in settings.members {
      self.settings[setting.name.string ?? ""] = JSONFragment(setting.value).canonicalText
    }
  }

  /// Records a setting that the host has changed in the file. Without effect if the file refers to
  /// another place for its value.
  mutating func note(_ setting: String, _ value: String) {
    if settings[setting]?.hasPrefix("{") == true { return }
    settings[setting] = JSONFragment { $0.string(value) }.canonicalText
  }
}
