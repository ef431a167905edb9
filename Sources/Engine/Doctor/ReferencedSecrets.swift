import Basics
import IntegrationKit
import JSON
import Redaction

/// Reads the secrets that a connection refers to. Their values are used for the rest of the
/// examination, so that a program runs once.
struct ReferencedSecrets {
  private static let milliseconds = 30_000

  let integration: RegisteredIntegration
  let secrets: Redactor

  struct Outcome {
    /// The connection with the values.
    let connection: JSON
    let names: [String]
    /// Sentences, without values.
    let faults: [(text: String, remedy: String)]
  }

  func read(_ connection: JSON) async -> Outcome {
    var values: [String: String] = [:]
    var faults: [(text: String, remedy: String)] = []
    let deadline = Deadline(inMilliseconds: Self.milliseconds)
    for (path, value) in Self.references(in: connection, integration) {
      var problems: [ParameterProblem] = []
      guard
        let reference = SecretType.secret.decode(value, members: nil, faults: &problems)
      else { continue }
      do throws(SecretReference.Fault) {
        // A document is longer than other secrets. Its reader checks what is in it.
        values[path] = try await SecretReference.document(reference).resolve(secrets, by: deadline)
      } catch {
        faults.append(("\(path): \(error.reason)", error.remedy))
      }
    }
    return Outcome(
      connection: Self.replacing(values, in: connection), names: values.keys.sorted(),
      faults: faults)
  }

  /// By name; of `tls` with that member before it.
  private static func references(
    in connection: JSON, _ integration: RegisteredIntegration
  ) -> [(String, JSON)] {
    var found: [(String, JSON)] = integration.settingsShape.secretNames.compactMap { name in
      connection["settings"]?[name].flatMap { PlainReferences.isReference($0) ? (name, $0) : nil }
    }
    if let password = connection["tls"]?["client_key_password"],
      PlainReferences.isReference(password)
    {
      found.append(("tls.client_key_password", password))
    }
    return found
  }

  private static func replacing(_ values: [String: String], in connection: JSON) -> JSON {
    guard !values.isEmpty else { return connection }
    return JSONFragment { writer in
      writer.object { writer in
        for member in connection.members {
          writer.name(copying: member.name)
          let prefix: String? =
            member.name.equals("settings") ? "" : member.name.equals("tls") ? "tls." : nil
          guard let prefix else {
            writer.value(member.value)
            continue
          }
          writer.object { writer in
            for inner in member.value.members {
              writer.name(copying: inner.name)
              if let value = values[prefix + (inner.name.string ?? "")] {
                // Sallyport drops line ends at the end of a secret.
                writer.string(SecretText.withoutLineEnds(value))
              } else {
                writer.value(inner.value)
              }
            }
          }
        }
      }
    }.json
  }
}
