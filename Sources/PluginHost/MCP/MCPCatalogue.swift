import IntegrationKit
import JSON
import JSONSchema

/// Describes the tools of a server as an integration, in the shape of `capabilities`.
struct MCPCatalogue {
  let integration: JSON
  /// Tools that are left out, with the reason: one line each.
  let leftOut: [String]

  /// Dialects whose usual keywords mean the same in 2020-12. Many servers name one of them.
  private static let olderDialects = ["draft-04", "draft-06", "draft-07", "2019-09"]

  init(
    _ tools: [JSON], of server: MCPHandshake.Server, in folder: PluginFolder
  ) throws(PluginFault) {
    var named: [(name: String, tool: JSON)] = []
    var faults: [String] = []
    var names: Set<String> = []
    for (position, tool) in tools.enumerated() {
      guard let name = tool["name"]?.string, !name.isEmpty else {
        faults.append("/tools/\(position)/name: is required")
        continue
      }
      if !names.insert(name).inserted {
        faults.append("/tools/\(position)/name: \(name.prefix(100)) is there twice")
      }
      named.append((name, tool))
    }
    guard faults.isEmpty else { throw PluginFault(faults) }
    var leftOut: [String] = []
    var commands: [JSONFragment] = []
    let ids = MCPToolName.ids(of: named.map(\.name))
    for ((name, tool), id) in zip(named, ids) {
      let parameters = Self.schema(tool["inputSchema"])
      if let reason = Self.fault(of: parameters) {
        leftOut.append("the tool \(name.prefix(100)) is left out: /inputSchema\(reason)")
        continue
      }
      commands.append(
        Self.command(name, id: id, tool, parameters, folder.description))
    }
    self.leftOut = leftOut
    integration =
      JSONFragment { writer in
        writer.object { writer in
          let info = server.info
          let description = folder.description
          writer.member("id", folder.id)
          writer.member(
            "title",
            description.title ?? info?["title"]?.string ?? info?["name"]?.string ?? folder.id)
          writer.member("description", description.description ?? "")
          writer.member("category", "MCP server")
          writer.name("connection")
          writer.object {
            $0.name("schema")
            Self.writeSettings(description.settings, to: &$0)
          }
          writer.name("commands")
          writer.array { for command in commands { $0.value(command) } }
        }
      }.json
  }

  private static func command(
    _ name: String, id: String, _ tool: JSON, _ parameters: JSON, _ description: PluginDescription
  ) -> JSONFragment {
    let hints = tool["annotations"]
    let effect = effect(of: name, id, hints, description)
    return JSONFragment { writer in
      writer.object { writer in
        writer.member("id", id)
        writer.member("tool", name)
        writer.member("title", tool["title"]?.string ?? hints?["title"]?.string ?? name)
        writer.member("description", tool["description"]?.string ?? "")
        writer.member("parameters", parameters)
        if let result = tool["outputSchema"], result.kind == .object {
          writer.member("result", schema(result))
        }
        writer.member("effect", effect.rawValue)
        writer.member(
          "idempotent", effect == .read || hints?["idempotentHint"]?.bool == true)
        writer.member("partial_success", false)
      }
    }
  }

  /// The first pattern of `plugin.json` that matches decides, otherwise the hints of the server.
  private static func effect(
    of name: String, _ id: String, _ hints: JSON?, _ description: PluginDescription
  ) -> CommandMetadata.Effect {
    let rule = description.effects.first {
      Glob.matches($0.pattern, name) || Glob.matches($0.pattern, id)
    }
    if let rule { return rule.effect }
    if hints?["readOnlyHint"]?.bool == true { return .read }
    return hints?["destructiveHint"]?.bool == true ? .destructive : .write
  }

  // MARK: Schemas

  /// A schema without the name of an older dialect.
  private static func schema(_ schema: JSON?) -> JSON {
    guard let schema, schema.kind == .object else { return noParameters }
    guard let dialect = schema["$schema"]?.string,
      olderDialects.contains(where: { dialect.firstRange(of: $0) != nil })
    else { return schema }
    return JSONFragment { writer in
      writer.object { writer in
        for member in schema.members where !member.name.equals("$schema") {
          writer.name(copying: member.name)
          writer.value(member.value)
        }
      }
    }.json
  }

  private static let noParameters = JSONFragment { $0.object { $0.member("type", "object") } }.json

  /// Why arguments cannot be checked, with a JSON Pointer; nil if they can.
  private static func fault(of parameters: JSON) -> String? {
    guard parameters["type"]?.equals("object") != false else {
      return "/type: must be \"object\""
    }
    do throws(SchemaFaults) {
      _ = try JSONSchema(parameters)
      return nil
    } catch {
      return error.lines(prefix: "").joined(separator: "; ")
    }
  }

  /// The schema of the settings of a connection.
  private static func writeSettings(_ settings: [PluginSetting], to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("type", "object")
      writer.name("properties")
      writer.object { writer in
        for setting in settings {
          writer.name(text: setting.name)
          writer.object {
            $0.member("type", "string")
            $0.member("title", setting.title)
            if !setting.description.isEmpty { $0.member("description", setting.description) }
            if setting.isSecret { $0.member("writeOnly", true) }
          }
        }
      }
      writer.name("required")
      writer.array { for setting in settings where setting.isRequired { $0.string(setting.name) } }
      writer.member("additionalProperties", false)
    }
  }
}
