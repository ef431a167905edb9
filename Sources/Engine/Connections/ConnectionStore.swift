import Basics
import HTTP
import IntegrationKit
import JSON
import Redaction
import Synchronization

/// The named connections and the recent inline connections.
package final class ConnectionStore: Sendable {
  /// Maximum number of cached inline connections. The cache lets consecutive calls share a sign-in.
  static let inlineConnections = 64
  /// Maximum size of a connections file in bytes.
  package static let maximumFileBytes = 16 * 1_024 * 1_024

  package struct Entry: Sendable {
    package let name: String
    package let open: OpenConnection
  }

  /// Maximum memory for the connections that callers put, and for the inline connections that are
  /// cached, in bytes; see `cost`.
  static let maximumCallerBytes = 64 * 1_024 * 1_024
  static let maximumInlineBytes = 16 * 1_024 * 1_024

  struct State {
    var table = ConnectionTable()
    var inline: [(text: JSONFragment, open: OpenConnection, cost: Int)] = []
  }

  let catalogue: Catalogue
  let environment: ConnectionEnvironment
  var maker: ConnectionMaker {
    ConnectionMaker(catalogue: catalogue, environment: environment)
  }
  let state = Mutex(State())
  /// The connections file, once it has been loaded.
  let file = SetOnce<ConfiguredConnections>()
  /// Of reloads.
  let turn = TaskSemaphore(1)
  /// Receives changes that no caller made.
  private let listener = Mutex<(@Sendable ([ConnectionChange]) -> Void)?>(nil)

  package init(_ catalogue: Catalogue, _ environment: ConnectionEnvironment) {
    self.catalogue = catalogue
    self.environment = environment
  }

  // MARK: Reading

  /// Adds the connections of the host itself, such as those of the emulated vendors.
  ///
  /// - Parameter path: for messages.
  /// - Throws: the problems of the first connection that has any.
  package func load(_ content: [UInt8], named path: String) throws(ConfigurationError) {
    let connections = try ConfiguredConnections.connections(in: content, of: path)
    for member in connections.members {
      let name = member.name.string ?? ""
      do throws(ParameterProblems) {
        let open = try maker.open(try maker.candidate(member.value), name: name, keeper: nil)
        _ = state.withLock { $0.table.put(Entry(name: name, open: open), cost: 0) }
      } catch {
        throw ConfigurationError(
          problems: error.inside(name).inside("connections").lines(prefix: "\(path): "))
      }
    }
  }

  /// Adds the connections of the connections file. Called once. Blocks.
  ///
  /// - Returns: those with problems, which were not added.
  /// - Throws: if the file cannot be read, or is no connections file.
  package func load(
    _ file: ConfiguredConnections
  ) throws(ConfigurationError) -> [RejectedConnection] {
    self.file.set(file)
    var content = try file.read(with: maker)
    let opened = open(&content, of: file) { _, _ in true }
    state.withLock { state in
      for (name, open, text) in opened {
        // The operator decides about the size of the file.
        _ = state.table.put(Entry(name: name, open: open), cost: 0, configured: text)
      }
    }
    return content.rejected
  }

  typealias Opened = (name: String, open: OpenConnection, text: ConfiguredDefinition)

  /// Opens connections of the file, and adds those with problems to `rejected`.
  func open(
    _ content: inout ConfiguredConnections.Content, of file: ConfiguredConnections,
    where isNeeded: (String, ConfiguredDefinition) -> Bool
  ) -> [Opened] {
    let writable = ConnectionsFile(file.path)
    var opened: [Opened] = []
    for (name, candidate) in content.connections where isNeeded(name, candidate.text) {
      do throws(ParameterProblems) {
        let open = try maker.open(candidate, name: name, keeper: keeper(of: name, in: writable))
        opened.append((name, open, candidate.text))
      } catch {
        content.rejected.append(RejectedConnection(name: name, problems: error))
      }
    }
    return opened
  }

  func tell(_ changes: [ConnectionChange]) {
    guard !changes.isEmpty else { return }
    listener.withLock { $0 }?(changes)
  }

  // MARK: Connections of callers

  /// Adds or replaces a connection of a caller.
  ///
  /// - Parameter mayBeStored: called when the connection is valid; if false, nothing changes.
  /// - Returns: whether it replaced a connection.
  package func put(
    _ json: JSON, name: String, mayBeStored: () -> Bool = { true }
  ) throws(ParameterProblems) -> Bool {
    let cost = cost(of: json)
    try refuse(cost, beyond: Self.maximumCallerBytes) { $0.table.cost - $0.table.cost(of: name) }
    let entry = Entry(name: name, open: try maker.callerConnection(json, name: name))
    guard mayBeStored() else { return false }
    // Released outside the lock, with its secrets.
    return state.withLock { $0.table.put(entry, cost: cost) } != nil
  }

  package func remove(_ name: String) -> Bool {
    state.withLock { $0.table.remove(name) } != nil
  }

  package var entries: [Entry] { state.withLock { $0.table.entries } }

  /// Differs after every change of the named connections.
  package var version: UInt64 { state.withLock { $0.table.version } }

  package func contains(_ name: String) -> Bool { state.withLock { $0.table[name] } != nil }

  /// The memory of a connection in bytes, about: its definition, and the encoded forms of secrets.
  func cost(of json: JSON) -> Int {
    let secrets = json["settings"].map { settings in
      settings.members.reduce(0) { $0 + ($1.value.stringBytes?.count ?? 0) }
    }
    return 1_024 + json.withSource(\.count) + (secrets ?? 0) * Self.formsPerSecret
  }

  /// The sum of the lengths of the encoded forms of a secret, divided by its length, is below.
  private static let formsPerSecret = 64

  func refuse(
    _ cost: Int, beyond maximum: Int, _ used: (State) -> Int
  ) throws(ParameterProblems) {
    let used = state.withLock { used($0) }
    guard cost + used > maximum else { return }
    throw ParameterProblems(
      ParameterProblem(
        "needs about \(cost) bytes; \(max(0, maximum - used)) of \(maximum) bytes for the "
          + "connections of callers are free; remove connections, or use a connections file"),
      of: ConnectionDefinition.shape)
  }

  private func keeper(of name: String, in file: ConnectionsFile) -> Connection.Keeper {
    Connection.Keeper(
      of: name, in: file,
      kept: { [weak self] setting, value in
        guard let self else { return }
        // A reload must not take it for a change of the operator.
        state.withLock { $0.table.note(setting, of: name, value) }
        tell([ConnectionChange(name: name, reload: nil)])
      },
      failed: { [environment] setting, reason in
        environment.log.warning(
          "cannot save the new \(setting) of the connection \(name): \(reason)")
      })
  }

  /// Calls `listener` with all further changes that no caller made.
  package func reportChanges(to listener: @escaping @Sendable ([ConnectionChange]) -> Void) {
    self.listener.withLock { $0 = listener }
  }
}

extension Connection.Keeper {
  /// Keeps settings of a connection in its file.
  init(
    of name: String, in file: ConnectionsFile,
    kept: @escaping @Sendable (_ setting: String, _ value: String) -> Void = { _, _ in },
    failed: @escaping @Sendable (_ setting: String, _ reason: String) -> Void
  ) {
    self.init(
      obstacle: { file.obstacle(toSetting: $0, of: name) },
      keep: { setting, value in
        do throws(ConnectionsFile.Fault) {
          try await file.set(setting, of: name, to: value)
        } catch {
          failed(setting, error.reason)
          return error.reason
        }
        kept(setting, value)
        return nil
      },
      stored: { await file.value(of: $0, of: name) },
      lock: { (setting, deadline) async throws(CommandError) in
        try await file.lock(setting, of: name, until: deadline)
      })
  }
}

/// An invalid configuration. The host cannot start with it.
package struct ConfigurationError: Error, Sendable {
  /// One line per problem.
  package var message: String
  package var remedy: String?

  package init(_ message: String, remedy: String? = nil) {
    self.init(problems: [message], remedy: remedy)
  }

  /// - Parameter problems: a line each, whatever the names in them contain.
  package init(problems: [String], remedy: String? = nil) {
    message = problems.map(\.visibleOnOneLine).joined(separator: "\n")
    self.remedy = remedy
  }
}
