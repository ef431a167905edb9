import Basics
import IntegrationKit
import JSON
import JSONSchema
import RateLimits

/// What a plugin says about itself: one integration of `capabilities`.
struct PluginCatalogue: Sendable {
  /// Commands of one plugin at most.
  private static let maximumCommands = 1_000

  struct Command: Sendable {
    let id: String
    let metadata: CommandMetadata
    let hasPages: Bool
    let canPartlySucceed: Bool
    let fetchesEvents: Bool
    let shape: ParameterShape
    let schema: JSONSchema
    /// Of an MCP server: the name of the tool.
    let tool: String?
  }

  let metadata: IntegrationMetadata
  let settings: PluginSettings
  let commands: [Command]
  /// The integration as the plugin wrote it.
  let source: JSON

  /// - Parameters:
  ///   - integration: an element of `integrations`.
  ///   - id: of `plugin.json`.
  /// - Throws: all faults at once, with JSON Pointers.
  init(_ integration: JSON, of id: String) throws(PluginFault) {
    var faults: [String] = []
    source = integration
    if integration["id"]?.equals(id) != true {
      faults.append(
        "/id: the plugin calls itself \(integration["id"]?.singleLineText ?? "nothing"), "
          + "plugin.json \"\(id)\"")
    }
    metadata = IntegrationMetadata(
      id: id, title: integration["title"]?.string ?? id,
      description: integration["description"]?.string ?? "",
      category: integration["category"]?.string ?? "Plugin")
    let schema = integration["connection"]?["schema"] ?? Self.noSettings
    settings = Self.settings(schema, &faults)
    Self.refuseNestedSecrets(schema, &faults)
    var commands: [Command] = []
    if integration["commands"]?.kind != .array {
      faults.append("/commands: is required and must be an array")
    }
    let list = integration["commands"].map { Array($0.elements) } ?? []
    if list.count > Self.maximumCommands {
      faults.append("/commands: must have at most \(Self.maximumCommands) items")
    }
    for (position, json) in list.prefix(Self.maximumCommands).enumerated() {
      let reader = CommandReader(json, "/commands/\(position)")
      if let command = reader.command(&faults) {
        if commands.contains(where: { $0.id == command.id }) {
          faults.append("/commands/\(position)/id: \(command.id) is there twice")
        }
        commands.append(command)
      }
    }
    self.commands = commands
    guard faults.isEmpty else { throw PluginFault(faults) }
  }

  private static let noSettings = JSONFragment { writer in
    writer.object {
      $0.member("type", "object")
      $0.member("additionalProperties", false)
    }
  }.json

  private static func settings(_ schema: JSON, _ faults: inout [String]) -> PluginSettings {
    do throws(SchemaFaults) {
      return try PluginSettings(schema)
    } catch {
      faults += error.lines(prefix: "/connection/schema")
      guard let none = try? PluginSettings(noSettings) else {
        preconditionFailure("the schema without settings is valid")
      }
      return none
    }
  }

  /// A secret below a setting would reach the program: there are placeholders for settings only.
  private static func refuseNestedSecrets(_ schema: JSON, _ faults: inout [String]) {
    var rest = [(path: [String](), json: schema)]
    while let (path, json) = rest.popLast() {
      for member in json.members {
        guard let name = member.name.string, !data.contains(name) else { continue }
        if name == "writeOnly", member.value.bool == true,
          path.count != 2 || path[0] != "properties"
        {
          let pointer = (path + [name]).map { "/" + escaped($0) }.joined()
          faults.append(
            "/connection/schema\(pointer): only a property of the settings can be a secret")
        }
        rest.append((path + [name], member.value))
      }
      for (position, element) in json.elements.enumerated() {
        rest.append((path + [String(position)], element))
      }
    }
  }

  /// Keywords whose values are no schemas.
  private static let data: Set = ["const", "enum", "default", "examples"]

  private static func escaped(_ name: String) -> String {
    name.replacing("~", with: "~0").replacing("/", with: "~1")
  }

  /// The same for the same commands, whatever the order of members and the white space.
  var canonicalText: String { JSONFragment(source).canonicalText }
}

extension SchemaFaults {
  /// One line per fault.
  func lines(prefix: String) -> [String] {
    list.map { "\(prefix)\($0.schemaPath): \($0.message)" }
  }
}

/// Reads one command.
private struct CommandReader {
  private let json: JSON
  private let path: String

  init(_ json: JSON, _ path: String) {
    self.json = json
    self.path = path
  }

  /// - Returns: nil for a command with faults, which are added to `faults`.
  func command(_ faults: inout [String]) -> PluginCatalogue.Command? {
    let known = faults.count
    guard json.kind == .object else {
      faults.append("\(path): must be an object")
      return nil
    }
    let id = json["id"]?.string ?? ""
    if !PluginDescription.isIdentifier(id) {
      faults.append(
        "\(path)/id: must be a string of lower-case letters, digits and single underscores")
    }
    var effect = CommandMetadata.Effect.write
    if let given = json["effect"], !given.isNull {
      if let known = given.string.flatMap(CommandMetadata.Effect.init(rawValue:)) {
        effect = known
      } else {
        faults.append("\(path)/effect: unknown value; expected one of: read, write, destructive")
      }
    }
    let parameters = json["parameters"] ?? Self.noParameters
    if parameters.kind != .object || parameters["type"]?.equals("object") == false {
      faults.append("\(path)/parameters: must be the schema of an object")
    }
    var schema: JSONSchema?
    do throws(SchemaFaults) {
      schema = try JSONSchema(parameters)
    } catch {
      faults += error.lines(prefix: "\(path)/parameters")
    }
    let metadata = metadata(id, effect, &faults)
    guard faults.count == known, let schema else { return nil }
    return PluginCatalogue.Command(
      id: id, metadata: metadata, hasPages: json["pages"]?.bool ?? false,
      canPartlySucceed: json["partial_success"]?.bool ?? true,
      fetchesEvents: json["events"].map { !$0.isNull } ?? false,
      shape: ParameterShape(schema: parameters), schema: schema, tool: json["tool"]?.string)
  }

  private func metadata(
    _ id: String, _ effect: CommandMetadata.Effect, _ faults: inout [String]
  ) -> CommandMetadata {
    let samples = json["error_samples"]?.elements.compactMap { sample -> ErrorSample? in
      guard let status = sample["status_code"]?.integer, let message = sample["message"]?.string
      else { return nil }
      return ErrorSample(Int(clamping: status), message)
    }
    var metadata = CommandMetadata(
      json["title"]?.string ?? id, json["description"]?.string ?? "", effect: effect,
      isIdempotent: json["idempotent"]?.bool, isSensitive: json["sensitive"]?.bool ?? false)
    metadata.permissions = json["permissions"]?.elements.compactMap(\.string) ?? []
    metadata.items = items(&faults)
    metadata.rateLimit = rateLimit(&faults)
    metadata.readBack = json["read_back"]?.string
    metadata.failureIndicator = json["failure_indicator"]?.string
    if let samples { metadata.errorSamples = { samples } }
    if let events = json["events"], events.kind == .object {
      do {
        let source = try EventSource(events)
        metadata.events = { source }
      } catch {
        faults.append("\(path)/events: invalid JSONPath: \(error)")
      }
    }
    if let result = json["result"].map({ JSONFragment($0) }) {
      metadata.result = { .schema(result) }
    }
    return metadata
  }

  private func items(_ faults: inout [String]) -> ItemsPath? {
    guard let text = json["items_path"]?.string else { return nil }
    if let path = ItemsPath(parsing: text) { return path }
    faults.append("\(path)/items_path: must be names and [*], such as $.items[*]")
    return nil
  }

  private func rateLimit(_ faults: inout [String]) -> RateQuota? {
    guard let json = json["rate_limit"], !json.isNull else { return nil }
    guard let requests = json["requests"]?.integer, (1...1_000_000).contains(requests),
      let seconds = json["per_seconds"]?.double, seconds > 0, seconds <= 86_400
    else {
      faults.append("\(path)/rate_limit: must be {\"requests\":N,\"per_seconds\":S}")
      return nil
    }
    return RateQuota(
      json["bucket"]?.string ?? RateQuota.defaultBucket,
      RateLimit(requests: Int(requests), perSeconds: seconds))
  }

  private static let noParameters = JSONFragment { writer in
    writer.object {
      $0.member("type", "object")
      $0.name("properties")
      $0.object { _ in }
      $0.member("additionalProperties", false)
    }
  }.json
}
