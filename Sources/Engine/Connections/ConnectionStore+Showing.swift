import IntegrationKit
import JSON
import Redaction

extension ConnectionStore {
  /// Writes `{"connections":[…]}` without secrets.
  package func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.name("connections")
      writer.array { writer in
        for entry in entries { write(entry, to: &writer) }
      }
    }
  }

  private func write(_ entry: Entry, to writer: inout JSONWriter) {
    let definition = entry.open.connection.definition
    let secrets = catalogue.integration(definition.integration)?.settingsShape.secretNames ?? []
    writer.object { writer in
      writer.member("name", entry.name)
      writer.member("integration", definition.integration)
      writer.member(ifPresent: "description", definition.description)
      writer.member("active", definition.isActive)
      writer.name("settings")
      writer.object { writer in
        for setting in definition.settings.members {
          writer.name(copying: setting.name)
          if secrets.contains(setting.name.string ?? "") {
            writer.string(Redactor.replacement)
          } else {
            // Not with the secrets of other connections: a caller could guess them.
            let value = JSONFragment(setting.value)
            writer.value(
              entry.open.connection.secrets.search.replacement(json: value) ?? value)
          }
        }
      }
    }
  }
}
