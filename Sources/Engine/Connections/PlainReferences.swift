import Basics
import IntegrationKit
import JSON
import Redaction

/// The references in settings that are no secrets, such as `"server_url": {"$env": "CODA_URL"}`.
///
/// Their values are read when the connections file is, because they decide what the connection is.
/// References to secrets are read when a request needs them.
struct PlainReferences {
  /// Milliseconds that the references of one connection may take.
  private static let milliseconds = 20_000

  private let secretNames: [String]
  /// For the messages of commands.
  private let secrets: Redactor

  init(_ integration: RegisteredIntegration?, _ secrets: Redactor) {
    secretNames = integration?.settingsShape.secretNames ?? []
    self.secrets = secrets
  }

  /// The connection with the values in place of the references. Blocks.
  ///
  /// - Throws: all references that cannot be read.
  func resolved(_ connection: JSON) throws(ParameterProblems) -> JSON {
    guard let settings = connection["settings"] else { return connection }
    var values: [String: String] = [:]
    var faults: [ParameterProblem] = []
    let deadline = Deadline(inMilliseconds: Self.milliseconds)
    for member in settings.members where Self.isReference(member.value) {
      let name = member.name.string ?? ""
      guard !secretNames.contains(name) else { continue }
      var own: [ParameterProblem] = []
      if let reference = SecretType.secret.decode(member.value, members: nil, faults: &own) {
        do throws(SecretReference.Fault) {
          values[name] = try reference.value(secrets, until: deadline)
        } catch {
          own.append(ParameterProblem("cannot be read: \(error.reason)"))
        }
      }
      faults += own.map { $0.inside(name).inside("settings") }
    }
    guard faults.isEmpty else {
      throw ParameterProblems(faults, of: ConnectionDefinition.shape, remedy: nil)
    }
    return values.isEmpty ? connection : Self.replacing(values, in: connection)
  }

  static func isReference(_ setting: JSON) -> Bool {
    setting.members.contains { $0.name.string?.hasPrefix("$") == true }
  }

  private static func replacing(_ values: [String: String], in connection: JSON) -> JSON {
    JSONFragment { writer in
      writer.object { writer in
        for member in connection.members {
          writer.name(copying: member.name)
          guard member.name.equals("settings") else {
            writer.value(member.value)
            continue
          }
          writer.object { writer in
            for setting in member.value.members {
              writer.name(copying: setting.name)
              if let value = values[setting.name.string ?? ""] {
                writer.string(value)
              } else {
                writer.value(setting.value)
              }
            }
          }
        }
      }
    }.json
  }
}
