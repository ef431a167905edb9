import Basics
import Plugin
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
    let clean = JSONFragment(trusted: context.secrets.scrub(json: result.bytes))
    let limit = context.options.mcp.maximumResultBytes
    let structure =
      clean.bytes.count <= limit
      ? clean : LargeResult(clean.json, of: command, limit: limit, context).shortened
    let json = structure.json
    return frame(
      id, text: headline(json) + "\n\n" + structure.text, structure: structure,
      links: json["files"]?.list ?? [], isError: false)
  }

  /// The whole frame of a failure.
  func frame(_ id: RequestID, _ error: RPCError) -> [UInt8] {
    let data = error.data ?? JSONFragment { $0.object { $0.member("return_data", "Failed") } }
    let clean = JSONFragment(trusted: context.secrets.scrub(json: data.bytes))
    return frame(
      id, text: Self.sentences(error.message, clean.json), structure: clean,
      links: Self.files(in: clean.json), isError: true)
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
  private func headline(_ result: JSON) -> String {
    var sentences = ["\(command.about.title): \(result["return_data"]?.string ?? "Successful")."]
    if let targets = result["targets"], targets.count > 0 {
      let done = targets.elements.filter { $0["return_data"]?.equals("Successful") == true }.count
      sentences.append("\(done) of \(targets.count) targets.")
    } else if let raw = result["raw_data"], let list = command.about.items?.list(in: raw) {
      sentences.append("\(list.count) \(list.count == 1 ? "item" : "items").")
    }
    for notice in result["notices"]?.list ?? [] {
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
      let suggestion = problem["did_you_mean"]?.string.map { "; did you mean \($0)?" } ?? ""
      lines.append("- \(place) \(problem["message"]?.string ?? "")\(suggestion)")
    }
    for target in data["targets"]?.list ?? [] {
      let message = target["error"]?["message"]?.string
      lines.append("- \(target["target"]?.string ?? ""): \(message ?? "Successful.")")
    }
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
    (data["targets"]?.list ?? []).flatMap { target in
      target["files"]?.list ?? []
    }
  }
}

extension JSON {
  /// The elements of an array; none of anything else.
  fileprivate var list: [JSON] { Array(elements) }
}

extension JSONWriter {
  mutating func textContent(_ text: String) {
    object {
      $0.member("type", "text")
      $0.member("text", text)
    }
  }
}

/// A result that would fill a model's context: its data becomes a file.
struct LargeResult {
  private let result: JSON
  private let command: RegisteredCommand
  private let limit: Int
  private let context: HostContext

  init(_ result: JSON, of command: RegisteredCommand, limit: Int, _ context: HostContext) {
    self.result = result
    self.command = command
    self.limit = limit
    self.context = context
  }

  /// The result without its largest member, which is stored; as it is where that cannot be done.
  var shortened: JSONFragment {
    let candidates = ["raw_data", "events"].compactMap { name in
      result[name].map { (name, $0, $0.withSource { $0.count }) }
    }
    guard let (name, value, bytes) = candidates.max(by: { $0.2 < $1.2 }), bytes > limit / 2 else {
      return JSONFragment(result)
    }
    let file: StoredFile
    do throws(FileStoreError) {
      file = try context.files.put(
        name: "\(command.id).\(name).json", content: JSONFragment(value).bytes,
        contentType: "application/json", source: .playbookFile)
    } catch {
      context.log.warning("a large result could not be stored and is sent whole: \(error.reason)")
      return JSONFragment(result)
    }
    let notice =
      "\(name) has \(bytes) bytes, more than fits here: it is the file \(file.id), the resource "
      + "\(FileResource.uri(file.id)). preview shows its first items."
    let shorter = write(without: name, value, file, notice)
    guard candidates.count > 1, shorter.bytes.count > limit else { return shorter }
    return LargeResult(shorter.json, of: command, limit: limit, context).shortened
  }

  private func write(
    without name: String, _ value: JSON, _ file: StoredFile, _ notice: String
  ) -> JSONFragment {
    JSONFragment { writer in
      writer.object { writer in
        for member in result.members
        where !["files", "notices", "preview", name].contains(member.name.string ?? "") {
          writer.name(copying: member.name)
          writer.value(member.value)
        }
        writer.name("preview")
        writer.array { for item in preview(of: value) { $0.value(item) } }
        writer.name("files")
        writer.array { writer in
          for old in result["files"]?.list ?? [] { writer.value(old) }
          file.write(to: &writer, withPath: true)
        }
        writer.name("notices")
        writer.array { writer in
          for old in result["notices"]?.list ?? [] { writer.value(old) }
          writer.string(notice)
        }
      }
    }
  }

  /// As many first items as take a quarter of the limit.
  private func preview(of value: JSON) -> [JSON] {
    guard let list = value.kind == .array ? value : command.about.items?.list(in: value) else {
      return []
    }
    var left = limit / 4
    var items: [JSON] = []
    for item in list.elements {
      left -= item.withSource { $0.count }
      if left < 0 { break }
      items.append(item)
    }
    return items
  }
}
