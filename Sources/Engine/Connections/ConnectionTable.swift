import IntegrationKit
import JSON

/// The named connections, in the order in which they were added.
///
/// Every operation takes the same time however many connections there are, except `entries`.
struct ConnectionTable {
  private struct Row {
    let order: Int
    let entry: ConnectionStore.Entry
    let cost: Int
    /// Nil for a connection that is in no file.
    var configured: ConfiguredDefinition?
  }

  private var rows: [String: Row] = [:]
  private struct ActiveConnections {
    let integration: String
    var names: Set<String> = []
  }

  /// Of each integration. There are few integrations.
  private var active: [ActiveConnections] = []
  private var nextOrder = 0
  /// The last connection that was found. Callers often name the same one on every line.
  private var last: ConnectionStore.Entry?
  /// Differs after every change.
  private(set) var version: UInt64 = 0
  /// The sum of the costs of all connections.
  private(set) var cost = 0

  subscript(name: String) -> ConnectionStore.Entry? { rows[name]?.entry }

  /// The connection with that name. Remembers it.
  mutating func find(_ name: String) -> OpenConnection? {
    guard let found = self[name] else { return nil }
    last = found
    return found.open
  }

  /// The last connection that was found, if a string is its name.
  func lastFound(named name: JSON) -> OpenConnection? {
    guard let last, name.equals(last.name) else { return nil }
    return last.open
  }

  /// What the connections file says of a connection; nil for one that is not from there.
  func configured(_ name: String) -> ConfiguredDefinition? { rows[name]?.configured }

  /// The names of the connections from the connections file, in the order in which they were added.
  var configuredNames: [String] {
    rows.values.filter { $0.configured != nil }.sorted { $0.order < $1.order }.map(\.entry.name)
  }

  /// Records a setting that the host has changed in the connections file.
  mutating func note(_ setting: String, of name: String, _ value: String) {
    rows[name]?.configured?.note(setting, value)
  }

  /// The cost of a connection; 0 if there is none with this name.
  func cost(of name: String) -> Int { rows[name]?.cost ?? 0 }

  /// The active connection of an integration, if there is exactly one.
  func onlyActive(of integration: String) -> ConnectionStore.Entry? {
    let names = active.first { $0.integration == integration }?.names
    guard let names, names.count == 1 else { return nil }
    return names.first.flatMap { self[$0] }
  }

  /// In the order in which they were added.
  var entries: [ConnectionStore.Entry] {
    rows.values.sorted { $0.order < $1.order }.map(\.entry)
  }

  /// Adds a connection, or replaces the one with this name.
  ///
  /// - Parameter configured: of a connection from the connections file.
  /// - Returns: the connection that was replaced.
  mutating func put(
    _ entry: ConnectionStore.Entry, cost: Int, configured: ConfiguredDefinition? = nil
  ) -> ConnectionStore.Entry? {
    (version, last) = (version + 1, nil)
    let old = rows[entry.name]
    if let old { forget(old) }
    let order = old?.order ?? nextOrder
    if old == nil { nextOrder += 1 }
    rows[entry.name] = Row(order: order, entry: entry, cost: cost, configured: configured)
    self.cost += cost
    let definition = entry.open.connection.definition
    if definition.isActive {
      active[position(of: definition.integration)].names.insert(entry.name)
    }
    return old?.entry
  }

  mutating func remove(_ name: String) -> ConnectionStore.Entry? {
    guard let row = rows.removeValue(forKey: name) else { return nil }
    (version, last) = (version + 1, nil)
    forget(row)
    return row.entry
  }

  private mutating func forget(_ row: Row) {
    cost -= row.cost
    let integration = row.entry.open.connection.definition.integration
    active[position(of: integration)].names.remove(row.entry.name)
  }

  private mutating func position(of integration: String) -> Int {
    if let known = active.firstIndex(where: { $0.integration == integration }) { return known }
    active.append(ActiveConnections(integration: integration))
    return active.count - 1
  }
}
