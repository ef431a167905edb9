import Basics
import JSON

/// One plugin for its author: what it is, or what is wrong with it.
package struct PluginInspection: Sendable {
  package let path: String
  /// Nil without a usable `plugin.json`.
  package let id: String?
  package let version: String
  package let protocolName: String
  /// Nil for a plugin that cannot be used.
  package let commands: Int?
  /// One line per problem.
  package let problems: [String]
  private let folder: PluginFolder?
  private let catalogue: PluginCatalogue?

  init(_ path: String, _ fault: PluginFault) {
    self.path = path
    (id, version, protocolName, commands) = (nil, "", "", nil)
    problems = fault.problems
    (folder, catalogue) = (nil, nil)
  }

  init(_ folder: PluginFolder, _ fault: PluginFault) {
    self.init(folder, nil, fault.problems)
  }

  init(_ folder: PluginFolder, _ catalogue: PluginCatalogue) {
    self.init(folder, catalogue, [])
  }

  private init(_ folder: PluginFolder, _ catalogue: PluginCatalogue?, _ problems: [String]) {
    path = folder.path
    id = folder.id
    version = folder.description.version
    protocolName = folder.description.childProtocol.rawValue
    commands = catalogue?.commands.count
    self.problems = problems
    self.folder = folder
    self.catalogue = catalogue
  }

  package var isLocked: Bool { folder.map { PluginLock.exists(in: $0) } ?? false }

  /// How it differs from its lock: one line per change. Nil without a lock that can be read.
  package var changes: [String]? {
    guard let folder, let catalogue, let lock = try? PluginLock.read(folder) else { return nil }
    return PluginDifference(from: lock.integration, to: catalogue.source).lines
  }

  /// Why the host would refuse the plugin because of its lock; nil if it would not.
  package var lockProblem: String? {
    guard let folder, catalogue != nil else { return nil }
    do throws(PluginFault) {
      guard let lock = try PluginLock.read(folder) else { return nil }
      _ = try PluginCatalogue(lock.integration, of: folder.id)
    } catch {
      return "\(error.text); sallyport plugin lock \(path) writes it again"
    }
    return changes?.isEmpty == false
      ? "it differs from its lock; sallyport plugin lock \(path) accepts the changes" : nil
  }

  /// What an author should know although it is no problem.
  package var remarks: [String] {
    guard let catalogue else { return [] }
    var remarks: [String] = []
    for command in catalogue.commands {
      if command.metadata.description.isEmpty { remarks.append("\(command.id) has no description") }
      if command.metadata.effect != .read, !command.metadata.isIdempotent,
        command.metadata.readBack == nil, command.tool == nil
      {
        remarks.append(
          "\(command.id) changes something, is not idempotent and names no read_back: callers cannot "
            + "find out whether it was applied")
      }
    }
    if !isLocked {
      remarks.append("it is not locked: the host starts it to know its commands")
    }
    return remarks
  }

  /// Writes its lock.
  package func lock() throws(FileError) {
    guard let folder, let catalogue else { return }
    try PluginLock(catalogue).write(to: folder)
  }
}
