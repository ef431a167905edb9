import Basics
import IntegrationKit
import JSON
import RPC

/// Writes what became of a command as the result of a tool: as structure for programs, as text for
/// models, and what it stored as links.
struct ToolResult: Sendable {
  /// Files that a result links to; the others are in `files` all the same.
  private static let maximumLinks = 100

  let caller: MCPCaller
  let command: RegisteredCommand
  let context: HostContext

  /// The whole frame of a success.
  ///
  /// - Parameter result: the result of the invoke.
  func frame(_ id: RequestID, _ result: JSONFragment) -> [UInt8] {
    // Clean before it becomes text: what is escaped twice is found by nobody.
    let clean = JSONFragment(trusted: context.secrets.redact(json: result.bytes))
    let structure = shortened(clean)
    return frame(
      id, text: headline(clean.json, structure.json) + "\n\n" + structure.text,
      structure: structure, links: Self.files(in: structure.json), isError: false)
  }

  /// The whole frame of a failure.
  func frame(_ id: RequestID, _ error: RPCError) -> [UInt8] {
    let data = error.data ?? JSONFragment { $0.object { $0.member("return_data", "Failed") } }
    let clean = JSONFragment(trusted: context.secrets.redact(json: data.bytes))
    let structure = shortened(clean)
    return frame(
      id, text: Self.sentences(error.message, structure.json), structure: structure,
      links: Self.files(in: structure.json), isError: true)
  }

  private func shortened(_ result: JSONFragment) -> JSONFragment {
    let limit = context.options.mcp.maximumResultBytes
    guard result.bytes.count > limit else { return result }
    return LargeResult(result.json, of: command, limit: limit, context).shortened
  }

  private func frame(
    _ id: RequestID, text: String, structure: JSONFragment, links: [JSON], isError: Bool
  ) -> [UInt8] {
    var writer = JSONWriter(capacity: 3 * structure.bytes.count + 1_024)
    Frame.result(id, into: &writer) { writer in
      writer.result(for: caller) { writer in
        writer.name("content")
        writer.array { writer in
          writer.textContent(text)
          guard caller.revision.hasStructuredContent else { return }
          for file in links.prefix(Self.maximumLinks) { FileResource.writeLink(file, to: &writer) }
        }
        if caller.revision.hasStructuredContent { writer.member("structuredContent", structure) }
        if isError { writer.member("isError", true) }
      }
    }
    return writer.bytes
  }

  // MARK: Text

  /// Such as "List Devices: Successful. 35 items."
  ///
  /// - Parameter sent: what is left of the result, with what is to be said of that.
  private func headline(_ result: JSON, _ sent: JSON) -> String {
    var sentences = ["\(command.about.title): \(result["return_data"]?.string ?? "Successful")."]
    if let targets = result["targets"], targets.count > 0 {
      let done = targets.elements.filter { $0["return_data"]?.equals("Successful") == true }.count
      sentences.append("\(done) of \(targets.count) targets.")
    } else if let raw = result["raw_data"], let list = command.about.items?.list(in: raw) {
      sentences.append("\(list.count) \(list.count == 1 ? "item" : "items").")
    }
    for notice in sent["notices"]?.list ?? [] {
      sentences.append(notice.string ?? "")
    }
    return sentences.joined(separator: " ")
  }

  /// What a model needs to do better: what failed, why, and the remedy.
  static func sentences(_ failure: String, _ data: JSON) -> String {
    var first = [failure]
    if let message = data["message"]?.string { first.append(message) }
    if let status = data["status_code"]?.integer { first.append("(\(status))") }
    var lines = [first.joined(separator: " ")]
    for problem in data["problems"]?.list ?? [] {
      let place = problem["path"]?.string?.replacing("/arguments/", with: "") ?? ""
      let suggestion = problem["did_you_mean"]?.string.map { "; did you mean \"\($0)\"?" } ?? ""
      let message = problem["message"]?.string ?? ""
      lines.append("- \(place): \(message)\(message.hasSuffix(suggestion) ? "" : suggestion)")
    }
    for target in data["targets"]?.list ?? [] {
      let message = target["error"]?["message"]?.string
      lines.append("- \(target["target"]?.string ?? ""): \(message ?? "Successful.")")
    }
    for notice in data["notices"]?.list ?? [] { lines.append(notice.string ?? "") }
    if let remedy = data["remedy"]?.string { lines.append("What to do: \(remedy)") }
    if data["outcome"]?.equals("unknown") == true {
      lines.append("It is not known whether the vendor did it: look before you try again.")
    }
    if data["retryable"]?.bool == true {
      let wait = data["retry_after_ms"]?.integer.map { " after \(($0 + 999) / 1_000) s" } ?? ""
      lines.append("It can be tried again\(wait).")
    }
    return lines.joined(separator: "\n")
  }

  /// Of a failure the targets have what they stored.
  private static func files(in data: JSON) -> [JSON] {
    (data["files"]?.list ?? [])
      + (data["targets"]?.list ?? []).flatMap { target in
        target["files"]?.list ?? []
      }
  }
}

extension JSON {
  /// The elements of an array; none of anything else.
  var list: [JSON] { Array(elements) }
}

extension JSONWriter {
  mutating func textContent(_ text: String) {
    object {
      $0.member("type", "text")
      $0.member("text", text)
    }
  }
}
