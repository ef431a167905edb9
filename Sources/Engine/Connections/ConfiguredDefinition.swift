import IntegrationKit
import JSON

/// What the connections file says of a connection, to recognise that it has changed: spaces and the
/// order of members do not count.
struct ConfiguredDefinition: Equatable, Sendable {
  /// With the values of its references; see `PlainReferences`.
  private let connection: JSON
  /// Settings that the host has changed in the file since.
  private var written: [String: String] = [:]

  init(_ connection: JSON) { self.connection = connection }

  /// Records a setting that the host has changed in the file. Without effect if the file refers to
  /// another place for its value.
  mutating func note(_ setting: String, _ value: String) {
    guard connection["settings"]?[setting]?.kind != .object else { return }
    written[setting] = JSONFragment { $0.string(value) }.canonicalText
  }

  /// Compares canonical texts. They are made only now: a start with many connections needs none.
  static func == (one: Self, other: Self) -> Bool {
    let (one, other) = (one.canonical, other.canonical)
    return one.rest == other.rest && one.settings == other.settings
  }

  private var canonical: (rest: String, settings: [String: String]) {
    var settings: [String: String] = [:]
    if let members = connection["settings"]?.members {
      for setting in members {
        settings[setting.name.string ?? ""] = JSONFragment(setting.value).canonicalText
      }
    }
    settings.merge(written) { _, new in new }
    return (JSONFragment(connection.removing("settings")).canonicalText, settings)
  }
}
