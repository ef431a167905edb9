import Basics
import FileStore
import IntegrationKit
import JSON

/// The file `plugin.json` of a plugin.
package struct PluginDescription: ParameterObject {
  package static let naming = ParameterShape.Naming.verbatim
  package static let shape = ParameterShape(of: PluginDescription.self)

  /// What the child speaks on stdin and stdout.
  package enum ChildProtocol: String, ParameterChoice {
    /// The protocol of this host, as the callee.
    case sallyport
    /// The Model Context Protocol, as a server.
    case mcp
  }

  /// What the child gets for the secrets of a connection.
  package enum Secrets: String, ParameterChoice {
    /// Placeholders. The host fills them into the requests that it sends for the child.
    case brokered
    /// The values.
    case plain
  }

  package let id: String
  package let version: String
  /// Of an MCP server, which does not describe itself as an integration.
  package let title: String?
  package let description: String?
  /// The program and its arguments, in the folder of the plugin.
  package let command: [String]
  package let childProtocol: ChildProtocol
  package let secrets: Secrets
  package let environment: [String: String]
  /// SHA-256 digests of files in the folder, as `sha256:` and 64 hexadecimal digits.
  package let checksums: [String: String]
  package let limits: PluginLimits
  /// Of an MCP server: the settings of its connections.
  package let settings: [PluginSetting]
  /// Of an MCP server: effects of tools by pattern, in the order of the file.
  package let effects: [(pattern: String, effect: CommandMetadata.Effect)]

  /// Whether each call contains the values of the secrets. An MCP server has them in its environment.
  var givesSecretsByCall: Bool { childProtocol == .sallyport && secrets == .plain }

  package init(_ members: inout ParamReader) {
    id = members.required(
      "id", .text(maximumCharacters: 64), "The id of the integration.", examples: ["acme_edr"])
    version = members.optional(
      "version", .text(maximumCharacters: 64), "The version of the plugin.", default: "0")
    title = members.optional("title", .text(maximumCharacters: 128), "Of an MCP server: its name.")
    description = members.optional(
      "description", .text(maximumCharacters: 4_096), "Of an MCP server: what it does.")
    command = members.required(
      "command", .list(of: .text(maximumCharacters: 4_096), count: 1...256),
      "The program and its arguments.")
    childProtocol = members.optional(
      "protocol", .choice(ChildProtocol.self), "What the program speaks.", default: .sallyport)
    secrets = members.optional(
      "secrets", .choice(Secrets.self), "What the program gets for secrets.", default: .brokered)
    let environment = members.optional(
      "environment", .jsonObject, "Variables of the program, as texts.")
    let checksums = members.optional(
      "checksums", .jsonObject, "SHA-256 digests of files by path, as sha256:….")
    limits = members.optional("limits", .object(PluginLimits.self), "Limits.") ?? PluginLimits()
    let settings = members.optional(
      "settings", .jsonObject, "Of an MCP server: the settings of its connections.")
    let effects = members.optional(
      "effects", .jsonObject, "Of an MCP server: effects of tools by name or pattern.")

    self.environment = Self.texts(environment)
    self.checksums = Self.texts(checksums)
    self.settings = settings?.members.compactMap(PluginSetting.init) ?? []
    self.effects =
      effects?.members.compactMap { member in
        guard let pattern = member.name.string,
          let effect = member.value.string.flatMap(CommandMetadata.Effect.init(rawValue:))
        else { return nil }
        return (pattern, effect)
      } ?? []
    refuse(&members, environment: environment, checksums, settings, effects)
  }

  private static func texts(_ object: JSON?) -> [String: String] {
    var texts: [String: String] = [:]
    for member in object.map({ Array($0.members) }) ?? [] {
      if let name = member.name.string { texts[name] = member.value.string }
    }
    return texts
  }

  /// Reports problems that the declaration cannot express.
  private func refuse(
    _ members: inout ParamReader, environment: JSON?, _ checksums: JSON?, _ settings: JSON?,
    _ effects: JSON?
  ) {
    if !Self.isIdentifier(id) {
      members.refuse(
        "id", ParameterProblem("must be lower-case letters, digits and single underscores"))
    }
    for member in environment.map({ Array($0.members) }) ?? []
    where member.value.kind != .string || member.name.string?.contains("=") != false {
      members.refuse(
        "environment", ParameterProblem("must be a string", at: member.name.string))
    }
    for (name, value) in self.environment.sorted(by: { $0.key < $1.key })
    where name.isEmpty || name.utf8.contains(0) || value.utf8.contains(0) {
      members.refuse(
        "environment",
        ParameterProblem("must have a name, and must not contain NUL", at: name))
    }
    for (position, word) in command.enumerated() where word.utf8.contains(0) {
      members.refuse(
        "command", ParameterProblem("must not contain NUL", at: String(position)))
    }
    for member in checksums.map({ Array($0.members) }) ?? [] {
      let digest = member.value.string ?? ""
      let digits = digest.utf8.dropFirst("sha256:".utf8.count)
      guard digest.hasPrefix("sha256:"), digits.count == 64,
        digits.allSatisfy({ hexValue($0) != nil })
      else {
        members.refuse(
          "checksums",
          ParameterProblem(
            "must be sha256: and 64 hexadecimal digits", at: member.name.string))
        continue
      }
    }
    for member in settings.map({ Array($0.members) }) ?? []
    where PluginSetting(member) == nil {
      members.refuse(
        "settings",
        ParameterProblem(
          "must be an object with \"env\", the name of a variable, and optionally \"secret\", "
            + "\"title\", \"description\" and \"required\"", at: member.name.string))
    }
    for member in effects.map({ Array($0.members) }) ?? []
    where member.value.string.flatMap(CommandMetadata.Effect.init(rawValue:)) == nil {
      members.refuse(
        "effects",
        ParameterProblem(
          "unknown value; expected one of: read, write, destructive", at: member.name.string))
    }
    guard childProtocol == .sallyport else { return }
    for (name, value) in [("settings", settings), ("effects", effects)] where value != nil {
      members.refuse(
        name == "settings" ? "settings" : "effects",
        ParameterProblem("is allowed only with \"protocol\":\"mcp\""))
    }
  }

  /// Whether a text can be the id of an integration or a command: the names of tools join two of them with
  /// two underscores.
  static func isIdentifier(_ text: String) -> Bool {
    guard let first = text.utf8.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first),
      text.utf8.count <= 64, !text.hasSuffix("_"), text.firstRange(of: "__") == nil
    else { return false }
    return text.utf8.allSatisfy { byte in
      byte == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
  }
}

/// The limits of one plugin.
package struct PluginLimits: ParameterObject {
  package static let naming = ParameterShape.Naming.verbatim

  package let startSeconds: Int64
  package let idleSeconds: Int64
  package let maximumInFlight: Int64
  package let memoryMiB: Int64
  package let restartsPerMinute: Int64

  package init(_ members: inout ParamReader) {
    startSeconds = members.optional(
      "start_seconds", .integer(from: 1, to: 600), "Seconds until it has described itself.",
      default: 10)
    idleSeconds = members.optional(
      "idle_seconds", .integer(from: 1, to: 86_400), "Seconds without calls until it is ended.",
      default: 300)
    maximumInFlight = members.optional(
      "max_in_flight", .integer(from: 1, to: 1_024), "Calls at a time.", default: 16)
    memoryMiB = members.optional(
      "memory_mib", .integer(from: 16, to: 1_048_576), "Memory that a process may write, in MiB.",
      default: 512)
    restartsPerMinute = members.optional(
      "restarts_per_minute", .integer(from: 1, to: 600), "Starts in a minute.", default: 5)
  }

  init() {
    (startSeconds, idleSeconds, maximumInFlight) = (10, 300, 16)
    (memoryMiB, restartsPerMinute) = (512, 5)
  }
}

/// A setting of the connections of an MCP server: a variable of its environment.
package struct PluginSetting: Sendable {
  let name: String
  let variable: String
  let isSecret: Bool
  let isRequired: Bool
  let title: String
  let description: String

  /// - Returns: nil for a member that is no setting.
  init?(_ member: JSON.Member) {
    let known = ["env", "secret", "required", "title", "description"]
    let value = member.value
    guard let name = member.name.string, !name.isEmpty, value.kind == .object,
      let variable = value["env"]?.string, !variable.isEmpty, !variable.contains("="),
      value.members.allSatisfy({ member in known.contains { member.name.equals($0) } })
    else { return nil }
    self.name = name
    self.variable = variable
    isSecret = value["secret"]?.bool ?? false
    isRequired = value["required"]?.bool ?? true
    title = value["title"]?.string ?? name
    description = value["description"]?.string ?? ""
  }
}
