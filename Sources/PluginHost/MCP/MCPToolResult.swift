import Basics
import Delivery
import FileStore
import IntegrationKit
import JSON

/// The result of a tool call as a server sent it.
struct MCPToolResult {
  /// Characters of a message of an error.
  private static let maximumCharacters = 2_000

  private let json: JSON
  private let call: PluginCall

  init(_ json: JSON, of call: PluginCall) {
    self.json = json
    self.call = call
  }

  func result() async throws(CommandError) -> CommandResult {
    if let type = json["resultType"], !type.equals("complete") { throw incomplete(type) }
    let content = json["content"]
    guard content == nil || content?.kind == .array,
      content != nil || json["structuredContent"] != nil
    else { throw fault("/content: must be an array") }
    let blocks = content.map { Array($0.elements) } ?? []
    if json["isError"]?.bool == true { throw failure(blocks) }
    var files: [StoredFile] = []
    var values: [JSONFragment] = []
    for (position, block) in blocks.enumerated() {
      let file = try await file(in: block, "/content/\(position)")
      if let file { files.append(file) }
      values.append(Self.value(of: block, file))
    }
    var result = CommandResult(.body(try rawData(blocks, values)))
    result.files = files
    return result
  }

  /// The structured content; otherwise the only text, or the list of everything.
  private func rawData(
    _ blocks: [JSON], _ values: [JSONFragment]
  ) throws(CommandError) -> JSON {
    if let structured = json["structuredContent"], !structured.isNull { return structured }
    let data: JSON
    switch values.count {
    case 0: return JSONFragment.null.json
    case 1 where blocks[0]["type"]?.equals("text") == true: data = values[0].json
    default: data = JSONFragment { writer in writer.array { for v in values { $0.value(v) } } }.json
    }
    try call.invocation.hold(data.documentBytes)
    return data
  }

  /// A block as an element of `raw_data`: a text as it is, or parsed if it is an object or array; a
  /// block whose data is a file with its id instead.
  private static func value(of block: JSON, _ file: StoredFile?) -> JSONFragment {
    if block["type"]?.equals("text") == true, let text = block["text"], text.kind == .string {
      return parsed(text) ?? JSONFragment(text)
    }
    guard let file else { return JSONFragment(block) }
    return JSONFragment { writer in
      writer.object { writer in
        for member in block.members where !member.name.equals("data") {
          writer.name(copying: member.name)
          if member.name.equals("resource") {
            Self.write(member.value, without: "blob", to: &writer)
          } else {
            writer.value(member.value)
          }
        }
        writer.member("file_id", file.id)
      }
    }
  }

  private static func write(_ object: JSON, without name: String, to writer: inout JSONWriter) {
    writer.object { writer in
      for member in object.members where !member.name.equals(name) {
        writer.name(copying: member.name)
        writer.value(member.value)
      }
    }
  }

  private static func parsed(_ text: JSON) -> JSONFragment? {
    guard let bytes = text.stringBytes,
      let first = bytes.first(where: { $0 > 0x20 }),
      first == UInt8(ascii: "{") || first == UInt8(ascii: "["),
      let json = try? JSON.parse(bytes)
    else { return nil }
    return JSONFragment(json)
  }

  // MARK: Files

  /// Stores the binary data of a block.
  ///
  /// - Returns: nil for a block without.
  private func file(in block: JSON, _ path: String) async throws(CommandError) -> StoredFile? {
    let resource = block["resource"]
    let (data, pointer) =
      block["type"]?.equals("resource") == true
      ? (resource?["blob"], "\(path)/resource/blob") : (block["data"], "\(path)/data")
    guard let data else { return nil }
    guard let text = data.stringBytes,
      let content = try? text.withUnsafeBufferPointer({ try Base64.decode($0) })
    else { throw fault("\(pointer): must be a string in Base64") }
    let type = (block["mimeType"] ?? resource?["mimeType"])?.string ?? ""
    do throws(CommandError) {
      return try await call.invocation.store(
        call.client.connection.secrets.redact(content), name: name(of: resource, type),
        contentType: type.isEmpty ? "application/octet-stream" : type)
    } catch {
      var error = error
      // The tool has run.
      error.outcome = call.invocation.outcomeAfterSending
      throw error
    }
  }

  /// The last part of its URI; otherwise the command with an extension of its type, such as `.png`.
  private func name(of resource: JSON?, _ type: String) -> String {
    if let last = resource?["uri"]?.string?.split(separator: "/").last, !last.isEmpty {
      return String(last.prefix(200))
    }
    let ending = type.split(separator: "/").last?.prefix { $0.isLetter || $0.isNumber } ?? ""
    return ending.isEmpty ? call.command.id : "\(call.command.id).\(ending)"
  }

  // MARK: Errors

  private func fault(_ reason: String) -> CommandError {
    CommandError(
      .internal,
      "The result of the tool \(tool) of the plugin \(call.plugin.id) cannot be used: \(reason).",
      outcome: call.invocation.outcomeAfterSending,
      remedy: "Report it to the author of the server.")
  }

  private var tool: String { call.command.tool ?? call.command.id }

  /// The error that the tool reports.
  private func failure(_ blocks: [JSON]) -> CommandError {
    let texts = blocks.compactMap { $0["text"]?.string }.filter { !$0.isEmpty }
    let text = texts.isEmpty ? "The tool gives no reason." : texts.joined(separator: "\n")
    return CommandError(
      .upstream, Self.redacted(text, of: call), outcome: call.invocation.outcomeAfterSending,
      upstream: json["structuredContent"].map { JSONFragment($0) })
  }

  /// A result that asks for something first.
  private func incomplete(_ type: JSON) -> CommandError {
    let asked = json["inputRequests"]?.members.compactMap { $0.value["method"]?.string } ?? []
    let what = asked.isEmpty ? type.singleLineText : asked.joined(separator: ", ")
    return CommandError(
      .unavailable,
      "The tool \(tool) of the plugin \(call.plugin.id) asks the host for more: \(what.prefix(200)).",
      outcome: call.invocation.outcomeAfterSending,
      remedy: "This host asks no model and no user for an MCP server. Call the tool with arguments "
        + "that leave nothing open.")
  }

  /// The error of an error response.
  static func error(_ answer: ChildError.Answer, of call: PluginCall) -> CommandError {
    let message = redacted(answer.message, of: call)
    switch answer.code {
    case -32602: return CommandError(.validation, message)
    case -32601: return CommandError(.unavailable, message)
    default:
      return CommandError(
        .upstream, message, outcome: call.invocation.outcomeAfterSending,
        upstream: JSONFragment { writer in
          writer.object {
            $0.member("code", Int(clamping: answer.code))
            if let data = answer.data { $0.member("data", data) }
          }
        })
    }
  }

  private static func redacted(_ text: String, of call: PluginCall) -> String {
    call.client.connection.secrets.redact(String(text.prefix(maximumCharacters)))
  }
}
