import Basics
import Delivery
import Engine
import IntegrationKit
import JSON
import Synchronization

/// The plugins of a host, as integrations.
///
/// Their descriptions are read when one of them is first needed. A plugin with a lock is started for its first
/// call, one without is started to be known.
package final class PluginSet: IntegrationSource {
  private enum Knowledge: Sendable {
    /// Its lock has not been read.
    case locked
    case loading
    case known(RegisteredIntegration, Plugin)
    case unusable(PluginFault)
  }

  private struct Entry {
    let folder: PluginFolder
    var knowledge: Knowledge
    var waiting: [Latch] = []
  }

  private struct State {
    var isRead = false
    var entries: [Entry] = []
    /// By the path of the folder, for folders without a usable `plugin.json`.
    var faults: [(path: String, fault: PluginFault)] = []
    var version: UInt64 = 0
    var isClosed = false
  }

  private let directories: [String]
  private let taken: Set<String>
  private let context: PluginContext
  /// Whether plugins are started to be known also if they are locked.
  ///   - leavesOutUnlocked: whether plugins that must be started to be known are left out.
  private let ignoresLocks: Bool
  private let leavesOutUnlocked: Bool
  private let monitor = Monitor(State())
  /// Once it is, it stays so.
  private let complete = Atomic(false)
  private let observers = Mutex<[@Sendable () -> Void]>([])

  /// - Parameters:
  ///   - directories: with one folder for each plugin.
  ///   - taken: the ids of the integrations of the executable.
  ///   - ignoresLocks: whether plugins are started to be known also if they are locked.
  package init(
    _ directories: [String], taken: Set<String>, context: PluginContext, ignoresLocks: Bool = false,
    leavesOutUnlocked: Bool = false
  ) {
    self.ignoresLocks = ignoresLocks
    self.leavesOutUnlocked = leavesOutUnlocked
    self.directories = directories
    self.taken = taken
    self.context = context
  }

  /// Milliseconds after which the descriptions are read although nobody has needed them, so that their
  /// faults are logged, and plugins without a lock are ready when they are needed.
  private static let preparationMilliseconds = 200

  /// Reads the descriptions in the background, and starts the plugins without a lock.
  package func prepare() {
    Task.detached { [weak self] in
      await Task.pause(milliseconds: Self.preparationMilliseconds)
      BlockingWork.plugins.submit { [weak self] in self?.read() }
    }
  }

  // MARK: Reading

  /// Reads the descriptions, once.
  private func read() {
    let unlocked = monitor.withLock { state -> [PluginFolder] in
      guard !state.isRead, !state.isClosed else { return [] }
      state.isRead = true
      for directory in directories { read(directory, into: &state) }
      return state.entries.compactMap { entry in
        if case .loading = entry.knowledge { entry.folder } else { nil }
      }
    }
    for folder in unlocked {
      let runner = runner(of: folder, locked: nil)
      Task.detached { [self] in await load(folder, runner) }
    }
  }

  private func read(_ directory: String, into state: inout State) {
    let paths: [String]
    do throws(FileError) {
      paths = try PluginFolder.paths(below: directory)
    } catch {
      return leaveOut(directory, PluginFault(["\(error)"]), &state)
    }
    for path in paths {
      do throws(PluginFault) {
        let folder = try PluginFolder(path)
        if taken.contains(folder.id) {
          throw PluginFault(["the id \(folder.id) belongs to an integration of this executable"])
        }
        if let other = state.entries.first(where: { $0.folder.id == folder.id }) {
          throw PluginFault(["the id \(folder.id) belongs to \(other.folder.path)"])
        }
        let isLocked = !ignoresLocks && PluginLock.exists(in: folder)
        if leavesOutUnlocked, !isLocked { continue }
        state.entries.append(Entry(folder: folder, knowledge: isLocked ? .locked : .loading))
      } catch {
        leaveOut(path, error, &state)
      }
    }
  }

  private func leaveOut(_ path: String, _ fault: PluginFault, _ state: inout State) {
    state.faults.append((path, fault))
    context.log.error("the plugin in \(path) is left out: \(fault.text)")
  }

  // MARK: Loading

  /// Starts a plugin to learn what it says about itself.
  private func load(_ folder: PluginFolder, _ runner: PluginRunner) async {
    let deadline = Deadline(inMilliseconds: Int(folder.description.limits.startSeconds) * 1_000)
    // The start has this deadline itself, and a better error.
    let result = await runner.learn(
      until: Deadline(inMilliseconds: deadline.remainingMilliseconds + 1_000))
    // Each connection has its program.
    if folder.description.childProtocol == .mcp { runner.close() }
    finish(folder, result.map { Plugin(folder, $0, runner, context) })
  }

  private func finish(_ folder: PluginFolder, _ result: Result<Plugin, PluginFault>) {
    let knowledge: Knowledge =
      switch result {
      case .success(let plugin): .known(plugin.registered(), plugin)
      case .failure(let fault): .unusable(fault)
      }
    if case .failure(let fault) = result {
      context.log.error("the plugin \(folder.id) is left out: \(fault.text)")
    }
    let (waiting, isClosed) = monitor.withLock { state -> ([Latch], Bool) in
      state.version += 1
      guard let position = state.entries.firstIndex(where: { $0.folder.id == folder.id }) else {
        return ([], state.isClosed)
      }
      state.entries[position].knowledge = knowledge
      defer { state.entries[position].waiting = [] }
      return (state.entries[position].waiting, state.isClosed)
    }
    monitor.notify()
    for latch in waiting { latch.signal() }
    for observer in observers.withLock({ $0 }) { observer() }
    if isClosed, case .success(let plugin) = result { plugin.close() }
  }

  /// Reads the lock of a plugin.
  private func unlock(_ folder: PluginFolder) {
    do throws(PluginFault) {
      guard let lock = try PluginLock.read(folder) else {
        throw PluginFault(["its \(PluginFolder.catalogueName) has gone; start the host again"])
      }
      let catalogue = try PluginCatalogue(lock.integration, of: folder.id)
      let runner = runner(of: folder, locked: catalogue)
      finish(folder, .success(Plugin(folder, catalogue, runner, context)))
    } catch {
      finish(folder, .failure(error))
    }
  }

  private func runner(of folder: PluginFolder, locked: PluginCatalogue?) -> PluginRunner {
    let dialect: any PluginDialect =
      switch folder.description.childProtocol {
      case .sallyport: SallyportDialect()
      case .mcp: MCPDialect(folder)
      }
    return PluginRunner(
      folder, variables: { (_) throws(PluginFault) in folder.description.environment },
      context: context, dialect: dialect, locked: locked)
  }

  // MARK: IntegrationSource

  package var known: [RegisteredIntegration] {
    read()
    let locked = monitor.withLock { state in
      state.entries.compactMap { entry -> PluginFolder? in
        if case .locked = entry.knowledge { entry.folder } else { nil }
      }
    }
    for folder in locked { unlock(folder) }
    return monitor.withLock { state in
      state.entries.compactMap { entry -> RegisteredIntegration? in
        if case .known(let integration, _) = entry.knowledge { integration } else { nil }
      }
    }
  }

  package var isComplete: Bool {
    if complete.load(ordering: .acquiring) { return true }
    read()
    let isComplete = monitor.withLock { state in
      !state.entries.contains { entry in
        if case .loading = entry.knowledge { true } else { false }
      }
    }
    if isComplete { complete.store(true, ordering: .releasing) }
    return isComplete
  }

  package func reportChanges(_ body: @escaping @Sendable () -> Void) {
    observers.withLock { $0.append(body) }
  }

  package var version: UInt64 { monitor.withLock { $0.version } }

  package func find(_ id: String) -> IntegrationState {
    read()
    guard let entry = entry(id) else { return .unknown }
    if case .locked = entry.knowledge { unlock(entry.folder) }
    guard let knowledge = self.entry(id)?.knowledge else { return .unknown }
    switch knowledge {
    case .known(let integration, _): return .known(integration)
    case .loading, .locked: return .pending
    case .unusable(let fault):
      return .unusable(
        CommandError(
          .unavailable, "The plugin \(id) cannot be used: \(fault.text).",
          remedy: "sallyport plugin check \(entry.folder.path) shows what is wrong."))
    }
  }

  private func entry(_ id: String) -> Entry? {
    monitor.withLock { $0.entries.first { $0.folder.id == id } }
  }

  package func load(_ id: String, until deadline: Deadline) async {
    read()
    let latch = monitor.withLock { state -> Latch? in
      guard let position = state.entries.firstIndex(where: { $0.folder.id == id }),
        case .loading = state.entries[position].knowledge
      else { return nil }
      let latch = Latch()
      state.entries[position].waiting.append(latch)
      return latch
    }
    _ = await latch?.wait(until: deadline)
  }

  package func load(_ id: String) {
    read()
    _ = monitor.wait { state -> Bool? in
      for entry in state.entries where entry.folder.id == id {
        if case .loading = entry.knowledge { return nil }
      }
      return true
    }
  }

  package func loadAll() {
    read()
    _ = monitor.wait { state -> Bool? in
      for entry in state.entries { if case .loading = entry.knowledge { return nil } }
      return true
    }
  }

  // MARK: Operating

  /// How often the programs of each plugin were started again after they had died.
  package var restarts: [(plugin: String, count: Int)] {
    let counts = context.restarts.counts
    return monitor.withLock { state in
      state.entries.map { ($0.folder.id, counts[$0.folder.id] ?? 0) }
    }
  }

  /// The plugins, with what is wrong with those that are left out. Blocks.
  package var inspections: [PluginInspection] {
    _ = known
    loadAll()
    return monitor.withLock { state in
      state.faults.map { PluginInspection($0.path, $0.fault) }
        + state.entries.map { entry in
          switch entry.knowledge {
          case .known(_, let plugin): PluginInspection(entry.folder, plugin.catalogue)
          case .unusable(let fault): PluginInspection(entry.folder, fault)
          case .locked, .loading: PluginInspection(entry.folder, PluginFault(["it was not read"]))
          }
        }
    }
  }

  /// What is wrong with plugins that are left out: one line each. Blocks.
  package var problems: [String] {
    inspections.flatMap { plugin in
      plugin.problems.isEmpty ? [] : ["\(plugin.path): \(plugin.problems.joined(separator: "; "))"]
    }
  }

  /// Milliseconds that programs get to end by themselves when the host ends.
  private static let endingMilliseconds = 500

  /// Ends all programs. Blocks, for a bounded time.
  package func close() {
    let plugins = monitor.withLock { state -> [Plugin] in
      state.isClosed = true
      if !state.isRead {
        // Only to log their faults: nobody has needed them.
        state.isRead = true
        for directory in directories { read(directory, into: &state) }
      }
      return state.entries.compactMap { entry in
        if case .known(_, let plugin) = entry.knowledge { plugin } else { nil }
      }
    }
    for plugin in plugins { plugin.close() }
    let deadline = Deadline(inMilliseconds: Self.endingMilliseconds)
    for plugin in plugins { plugin.waitUntilEnded(until: deadline) }
  }
}
