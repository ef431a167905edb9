import Basics
import Engine
import FileStore
import IntegrationKit
import JSON

/// A result that is too large for a model's context. Its data is stored as a file.
///
/// It uses the written result, so only results above the limit are parsed again.
struct LargeResult: Sendable {
  private let result: JSON
  private let command: RegisteredCommand
  private let limit: Int
  private let engine: Engine
  /// Members that were stored as files.
  private var stored: [String] = []
  /// Maximum size of the preview of a member.
  private var previewBytes: Int { limit / 4 }

  init(_ result: JSON, of command: RegisteredCommand, limit: Int, _ engine: Engine) {
    self.result = result
    self.command = command
    self.limit = limit
    self.engine = engine
  }

  /// The result with its largest members stored as files. Unchanged if they cannot be stored.
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
      ? "targets contains some of them, failures first." : "preview contains the first items."
    let notice =
      "\(name) has \(bytes) bytes and exceeds the limit. It is stored as file \(file.id), resource "
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
      engine.log.warning("cannot store a large result, sending all of it: \(error)")
      return nil
    }
  }

  private func write(
    without name: String, _ value: JSON, _ file: StoredFile, _ notice: String
  ) -> JSONFragment {
    // The targets contain their errors.
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

  /// The first items that fit. Failed targets come first.
  private func preview(of value: JSON, isTargets: Bool) -> [JSON] {
    let items = value.kind == .array ? value : command.metadata.items?.list(in: value)
    guard var list = items?.list else {
      return []
    }
    if isTargets {
      let failed = { (target: JSON) in target["return_data"]?.equals("Failed") == true }
      list = list.filter(failed) + list.filter { !failed($0) }
    }
    var left = previewBytes
    return Array(
      list.prefix { item in
        // Includes the comma.
        left -= item.withSource { $0.count } + 1
        return left >= 0
      })
  }
}
