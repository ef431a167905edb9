import Basics
import Glibc
import JSON

/// The file `catalogue.json` of a plugin: what it said about itself when it was locked. With it, a plugin is
/// started only for its first call.
struct PluginLock: Sendable {
  /// One integration of `capabilities`.
  let integration: JSON

  /// Of the file.
  private static let format: Int64 = 1

  init(_ catalogue: PluginCatalogue) { integration = catalogue.source }

  static func exists(in folder: PluginFolder) -> Bool { access(path(in: folder), F_OK) == 0 }

  /// - Returns: nil if the plugin is not locked.
  static func read(_ folder: PluginFolder) throws(PluginFault) -> PluginLock? {
    let path = path(in: folder)
    guard exists(in: folder) else { return nil }
    let text = try PluginFolder.read(path, limit: PluginFolder.maximumCatalogueBytes)
    let json: JSON
    do throws(JSONError) {
      json = try JSON.parse(text)
    } catch {
      let position = error.lineAndColumn(in: text)
      throw PluginFault(["\(path):\(position.line):\(position.column): \(error.reason)"])
    }
    guard json["lock"]?.integer == format else {
      throw PluginFault([
        "\(path): \"lock\" must be \(format); run sallyport plugin lock \(folder.path)"
      ])
    }
    guard let integration = json["integration"], integration.kind == .object else {
      throw PluginFault(["\(path): \"integration\" is required and must be an object"])
    }
    return PluginLock(integration: integration)
  }

  private init(integration: JSON) { self.integration = integration }

  static func path(in folder: PluginFolder) -> String {
    "\(folder.path)/\(PluginFolder.catalogueName)"
  }

  func write(to folder: PluginFolder) throws(FileError) {
    let text = JSONFragment { writer in
      writer.object {
        $0.member("lock", Int(Self.format))
        $0.member("plugin_version", folder.description.version)
        $0.member("integration", integration)
      }
    }
    try FileDescriptor.replaceFile(Self.path(in: folder), with: text.bytes + [0x0A])
  }
}

/// What a plugin says about itself differently from its lock.
struct PluginDifference {
  /// Lines of a difference at most.
  private static let maximumLines = 50

  /// One change: `- command`, `+ command`, `~ command: parameters, effect`.
  struct Change: Sendable {
    /// Nil for a change of the integration.
    let command: String?
    let line: String
  }

  let changes: [Change]

  var isEmpty: Bool { changes.isEmpty }

  /// One line per change.
  var lines: [String] {
    let more = changes.count - Self.maximumLines
    return changes.prefix(Self.maximumLines).map(\.line)
      + (more > 0 ? ["and \(more) more changes"] : [])
  }

  /// - Parameter ignored: members of the integration that may differ.
  init(from old: JSON, to new: JSON, ignoring ignored: [String] = []) {
    var changes: [Change] = []
    let (before, after) = (Self.commands(old), Self.commands(new))
    for (id, _) in before where !after.contains(where: { $0.id == id }) {
      changes.append(Change(command: id, line: "- \(id)"))
    }
    for (id, command) in after {
      guard let former = before.first(where: { $0.id == id })?.json else {
        changes.append(Change(command: id, line: "+ \(id)"))
        continue
      }
      let changed = Self.changed(former, command)
      if !changed.isEmpty {
        changes.append(Change(command: id, line: "~ \(id): \(changed.joined(separator: ", "))"))
      }
    }
    let own = Self.changed(old, new).filter { $0 != "commands" && !ignored.contains($0) }
    if !own.isEmpty {
      changes.append(
        Change(command: nil, line: "~ the integration: \(own.joined(separator: ", "))"))
    }
    self.changes = changes
  }

  func fault(of folder: PluginFolder) -> PluginFault {
    PluginFault([
      "it differs from its lock (\(lines.joined(separator: "; "))); run "
        + "sallyport plugin lock \(folder.path) if that is intended"
    ])
  }

  private static func commands(_ integration: JSON) -> [(id: String, json: JSON)] {
    integration["commands"]?.elements.compactMap { command in
      command["id"]?.string.map { ($0, command) }
    } ?? []
  }

  /// The names of members that differ.
  private static func changed(_ old: JSON, _ new: JSON) -> [String] {
    let names = (old.members.compactMap(\.name.string) + new.members.compactMap(\.name.string))
    var seen: Set<String> = []
    return names.filter { name in
      guard seen.insert(name).inserted else { return false }
      let (before, after) = (old[name], new[name])
      return before.map { JSONFragment($0).canonicalText }
        != after.map { JSONFragment($0).canonicalText }
    }
  }
}
