import Basics
import IntegrationKit
import JSON
import Redaction
import Synchronization

/// Runs Test Connection on a schedule and reports changes.
///
/// Watches stop when the host exits. They do not delay the exit.
package final class HealthMonitor: Sendable {
  /// The command for checks. Every integration has it.
  private static let commandID = "test_connection"

  enum Status: String, Sendable { case unknown, healthy, unhealthy }

  package struct Watch: Sendable {
    let connection: String
    let intervalSeconds: Int64
    let notifyAfterFailures: Int64
    /// Whether the watch comes from the definition of the connection, not from a caller.
    var isConfigured = false

    package init(
      connection: String, intervalSeconds: Int64, notifyAfterFailures: Int64,
      isConfigured: Bool = false
    ) {
      self.connection = connection
      self.intervalSeconds = intervalSeconds
      self.notifyAfterFailures = notifyAfterFailures
      self.isConfigured = isConfigured
    }
  }

  /// A status change: the current state of a watch, and whether the watch is configured.
  package struct Change: Sendable {
    package let isConfigured: Bool
    fileprivate let entry: Entry

    package func write(to writer: inout JSONWriter) { HealthMonitor.write(entry, to: &writer) }
  }

  fileprivate struct Entry: Sendable {
    let watch: Watch
    let task: Task<Void, Never>
    var status = Status.unknown
    var consecutiveFailures: Int64 = 0
    var error: String?
    var checkedAtMilliseconds: Int64?
  }

  private let catalogue: Catalogue
  private let connections: ConnectionStore
  private let entries = Mutex<[String: Entry]>([:])
  private let listener = Mutex<(@Sendable (Change) -> Void)?>(nil)

  init(_ catalogue: Catalogue, _ connections: ConnectionStore) {
    self.catalogue = catalogue
    self.connections = connections
  }

  /// Calls `listener` with all further changes.
  package func reportChanges(to listener: @escaping @Sendable (Change) -> Void) {
    self.listener.withLock { $0 = listener }
  }

  /// Starts the configured watches. The first check runs after one interval.
  package func watchConfigured() {
    for entry in connections.entries {
      let definition = entry.open.connection.definition
      guard let check = definition.healthCheck, definition.isActive else { continue }
      start(
        Watch(
          connection: entry.name, intervalSeconds: check.intervalMinutes * 60,
          notifyAfterFailures: check.notifyAfterFailures, isConfigured: true),
        firstCheckAtOnce: false)
    }
  }

  /// Starts a watch. Replaces an existing watch of the connection.
  package func start(_ watch: Watch, firstCheckAtOnce: Bool = true) {
    let milliseconds = Int(watch.intervalSeconds) * 1_000
    let old = entries.withLock { entries in
      let old = entries[watch.connection]?.task
      // Under the lock, so that the first check finds its entry.
      let task = Task.detached { [weak self] in
        if !firstCheckAtOnce { await Task.pause(milliseconds: milliseconds) }
        while !Task.isCancelled {
          guard let self else { return }
          await self.check(watch)
          await Task.pause(milliseconds: milliseconds)
        }
      }
      entries[watch.connection] = Entry(watch: watch, task: task)
      return old
    }
    old?.cancel()
  }

  /// - Returns: whether the connection was watched.
  package func stop(_ connection: String) -> Bool {
    let task = entries.withLock { $0.removeValue(forKey: connection)?.task }
    task?.cancel()
    return task != nil
  }

  package func stopAll() {
    for task in entries.withLock({ entries in entries.values.map(\.task) }) { task.cancel() }
  }

  // MARK: Checking

  private func check(_ watch: Watch) async {
    let error = await failure(watch.connection)
    if Task.isCancelled { return }
    let isNews = entries.withLock { entries -> Bool in
      guard var entry = entries[watch.connection] else { return false }
      let before = entry.status
      entry.status = error == nil ? .healthy : .unhealthy
      entry.consecutiveFailures = error == nil ? 0 : entry.consecutiveFailures + 1
      entry.error = error
      entry.checkedAtMilliseconds = WallClock.nowMilliseconds
      entries[watch.connection] = entry
      return entry.status != before || entry.consecutiveFailures == watch.notifyAfterFailures
    }
    if isNews { report(watch.connection) }
  }

  /// Why the connection does not work; nil if it works.
  private func failure(_ name: String) async -> String? {
    guard let open = connections.entries.first(where: { $0.name == name })?.open else {
      return "Unknown connection \(name)."
    }
    let connection = open.connection
    guard connection.definition.isActive else { return "The connection \(name) is inactive." }
    guard let integration = catalogue.integration(connection.definition.integration),
      let command = integration.commands.first(where: { $0.id == Self.commandID })
    else { return "The integration has no \(Self.commandID)." }
    do {
      let invocation = Invocation(
        command.metadata, id: command.id, on: connection, options: .none, deadline: nil, events: nil
      )
      _ = try await command.ready(nil, on: open).run(in: invocation)
      return nil
    } catch let error as CommandError {
      return error.message
    } catch {
      return "The check failed."
    }
  }

  private func report(_ connection: String) {
    guard let entry = entries.withLock({ $0[connection] }) else { return }
    let listener = listener.withLock { $0 }
    listener?(Change(isConfigured: entry.watch.isConfigured, entry: entry))
  }

  // MARK: Showing

  /// Which members of a watch are a vendor's text.
  package static let layout = MessageLayout.object([
    "connection": .own, "status": .own, "consecutive_failures": .own, "error": .foreign,
    "checked_at": .own, "interval_seconds": .own, "notify_after_failures": .own,
  ])

  /// Writes `{"watches":[…]}`.
  package func write(to writer: inout JSONWriter) {
    let entries = entries.withLock {
      $0.values.sorted { $0.watch.connection < $1.watch.connection }
    }
    writer.object { writer in
      writer.name("watches")
      writer.array { writer in for entry in entries { Self.write(entry, to: &writer) } }
    }
  }

  private static func write(_ entry: Entry, to writer: inout JSONWriter) {
    writer.object {
      $0.member("connection", entry.watch.connection)
      $0.member("status", entry.status.rawValue)
      $0.member("consecutive_failures", Int(entry.consecutiveFailures))
      $0.member(ifPresent: "error", entry.error)
      $0.member(ifPresent: "checked_at", entry.checkedAtMilliseconds.map(WallClock.rfc3339))
      $0.member("interval_seconds", Int(entry.watch.intervalSeconds))
      $0.member("notify_after_failures", Int(entry.watch.notifyAfterFailures))
    }
  }
}
