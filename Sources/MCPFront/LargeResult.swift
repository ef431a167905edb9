import Basics
import Engine
import FileStore
import IntegrationKit
import JSON

/// A result that would fill a model's context: its data becomes a file.
///
/// It works on the written result: only results above the limit are read again.
struct LargeResult: Sendable {
  private let result: JSON
  private let command: RegisteredCommand
  private let limit: Int
  private let engine: Engine
  /// Members that have become files.
  private var stored: [String] = []
  /// Of what stays of a member.
  private var previewBytes: Int { limit / 4 }

  init(_ result: JSON, of command: RegisteredCommand, limit: Int, _ engine: Engine) {
    self.result = result
    self.command = command
    self.limit = limit
    self.engine = engine
  }

  /// The result without its largest members, which are stored; as it is where that cannot be done.
  func shortened() async -> JSONFragment {
    let candidates = ["raw_data", "events", "targets"].filter { !stored.contains($0) }
      .compactMap { name in result[name].map { (name, $0, $0.withSource { $0.count }) } }
    guard let (name, value, bytes) = candidates.max(by: { $0.2 < $1.2 }), bytes > previewBytes
    else {
      return JSONFragment(result)
    }
    guard let file = await store(value, named: "\(command.id).\(name).json") else {
      return JSONFragment(result)
    }
    let shown =
      name == "targets"
      ? "targets still has some, failures first." : "preview shows its first items."
    let notice =
      "\(name) has \(bytes) bytes, more than fits here: it is the file \(file.id), the resource "
      + "\(FileResource.uri(file.id)). \(shown)"
    let shorter = write(without: name, value, file, notice)
    guard candidates.count > 1, shorter.bytes.count > limit else { return shorter }
    var rest = LargeResult(shorter.json, of: command, limit: limit, engine)
    rest.stored = stored + [name]
    return await rest.shortened()
  }

  /// - Returns: nil if it cannot be stored.
  private func store(_ value: JSON, named name: String) async -> StoredFile? {
    let files = engine.files
    do {
      let outcome = try await BlockingWork.files.run {
        Result { () throws(FileStoreError) in
          try files.put(
            name: name, content: JSONFragment(value).bytes, contentType: "application/json",
            source: .playbookFile)
        }
      }
      return try outcome.get()
    } catch {
      engine.log.warning("a large result could not be stored and is sent whole: \(error)")
      return nil
    }
  }

  private func write(
    without name: String, _ value: JSON, _ file: StoredFile, _ notice: String
  ) -> JSONFragment {
    // The errors say of the targets what these say of themselves.
    let replaced = name == "targets" ? ["targets", "errors"] : [name, "preview"]
    return JSONFragment { writer in
      writer.object { writer in
        for member in result.members
        where !(["files", "notices"] + replaced).contains(member.name.string ?? "") {
          writer.name(copying: member.name)
          writer.value(member.value)
        }
        writer.name(text: name == "targets" ? name : "preview")
        writer.array {
          for item in preview(of: value, isTargets: name == "targets") { $0.value(item) }
        }
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

  /// As many first items as fit; of targets those that failed come first.
  private func preview(of value: JSON, isTargets: Bool) -> [JSON] {
    guard var list = value.kind == .array ? value.list : command.metadata.items?.list(in: value)?.list
    else {
      return []
    }
    if isTargets {
      let failed = { (target: JSON) in target["return_data"]?.equals("Failed") == true }
      list = list.filter(failed) + list.filter { !failed($0) }
    }
    var left = previewBytes
    return Array(
      list.prefix { item in
        // With its comma.
        left -= item.withSource { $0.count } + 1
        return left >= 0
      })
  }
}
