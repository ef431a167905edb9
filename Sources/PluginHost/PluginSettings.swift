import Basics
import HTTP
import IntegrationKit
import JSON
import JSONSchema

/// The settings that the connections of a plugin have.
struct PluginSettings: Sendable {
  let shape: ParameterShape
  private let schema: JSONSchema
  /// The settings whose origins may be reached.
  private let urlNames: [String]

  /// - Parameter schema: of an object.
  /// - Throws: why the schema cannot be checked.
  init(_ schema: JSON) throws(SchemaFaults) {
    self.schema = try JSONSchema(schema)
    shape = ParameterShape(schema: schema)
    urlNames =
      schema["properties"]?.members.filter { $0.value["format"]?.equals("uri") == true }
      .compactMap(\.name.string) ?? []
  }

  /// Checks the settings of a connection.
  ///
  /// - Returns: its secrets, and the origins of its URLs.
  /// - Throws: all faults at once.
  func check(
    _ settings: JSON
  ) throws(ParameterProblems) -> (secrets: [String: SecretReference], origins: [BaseURL]) {
    var faults: [ParameterProblem] = []
    var secrets: [String: SecretReference] = [:]
    var references: Set<String> = []
    for name in shape.secretNames {
      guard let value = settings[name], !value.isNull else { continue }
      var own: [ParameterProblem] = []
      secrets[name] = SecretType.secret.decode(value, members: nil, faults: &own)
      // What it refers to is not known yet.
      if value.kind != .string { references.insert(name) }
      faults += own.map { $0.inside(name) }
    }
    var origins: [BaseURL] = []
    for name in urlNames {
      guard let text = settings[name]?.string else { continue }
      do throws(BaseURL.InvalidURL) {
        origins.append(try BaseURL(text))
      } catch {
        faults.append(ParameterProblem(error.reason, at: name))
      }
    }
    faults += schema.faults(of: settings).filter { fault in
      !references.contains { fault.path == "/\($0)" || fault.path.hasPrefix("/\($0)/") }
    }.map { ParameterProblem($0) }
    guard faults.isEmpty else { throw ParameterProblems(faults, of: shape, remedy: nil) }
    return (secrets, origins)
  }
}

extension ParameterProblem {
  /// A fault that a JSON Schema finds.
  init(_ fault: SchemaFault) {
    self.init(
      fault.message, path: fault.path, didYouMean: fault.didYouMean, isMissing: fault.isMissing,
      isUnknown: fault.isUnknown)
  }
}
