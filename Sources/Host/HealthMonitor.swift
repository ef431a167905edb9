import Basics
import IntegrationKit
import JSON
import RPC
import Synchronization

/// Runs Test Connection on a schedule and tells when the answer changes.
///
/// Watches end with the session; they do not keep it alive.
final class HealthMonitor: Sendable {
  /// The command that every integration has for this.
  private static let commandID = "test_connection"

  enum Status: String, Sendable { case unknown, healthy, unhealthy }

  struct Watch: Sendable {
    let connection: String
    let intervalSeconds: Int64
    let notifyAfterFailures: Int64
    /// Whether it is the connection that asked for it, and nobody on the stream.
    var isConfigured = false
  }

  private struct Entry: Sendable {
    let watch: Watch
    let task: Task<Void, Never>
    var status = Status.unknown
    var consecutiveFailures: Int64 = 0
    var error: String?
    var checkedAtMilliseconds: Int64?
  }

  private let context: HostContext
  private let output: OutputQueue
  private let audience: Audience
  private let entries = Mutex<[String: Entry]>([:])

  init(_ context: HostContext, to output: OutputQueue, _ audience: Audience) {
    self.context = context
    self.output = output
    self.audience = audience
  }

  /// Watches the connections that ask for it themselves; the first check is one interval away.
  func watchConfigured() {
    for entry in context.connections.entries {
      let definition = entry.open.connection.definition
      guard let check = definition.healthCheck, definition.isActive else { continue }
      start(
        Watch(
          connection: entry.name, intervalSeconds: check.intervalMinutes * 60,
          notifyAfterFailures: check.notifyAfterFailures, isConfigured: true),
        firstCheckAtOnce: false)
    }
  }

  /// Replaces the watch on that connection, if there is one.
  func start(_ watch: Watch, firstCheckAtOnce: Bool = true) {
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

  /// - Returns: whether there was such a watch.
  func stop(_ connection: String) -> Bool {
    let task = entries.withLock { $0.removeValue(forKey: connection)?.task }
    task?.cancel()
    return task != nil
  }

  func stopAll() {
    for task in entries.withLock({ entries in entries.values.map(\.task) }) { task.cancel() }
  }

  // MARK: Checking

  private func check(_ watch: Watch) async {
    let error = await failure(watch.connection)
    if Task.isCancelled { return }
    let shouldTell = entries.withLock { entries -> Bool in
      guard var entry = entries[watch.connection] else { return false }
      let before = entry.status
      entry.status = error == nil ? .healthy : .unhealthy
      entry.consecutiveFailures = error == nil ? 0 : entry.consecutiveFailures + 1
      entry.error = error
      entry.checkedAtMilliseconds = WallClock.nowMilliseconds
      entries[watch.connection] = entry
      return entry.status != before || entry.consecutiveFailures == watch.notifyAfterFailures
    }
    if shouldTell { tell(watch.connection) }
  }

  /// Why the connection does not work, or nil when it does.
  private func failure(_ name: String) async -> String? {
    guard let open = context.connections.entries.first(where: { $0.name == name })?.open else {
      return "There is no connection \(name)."
    }
    let connection = open.connection
    guard connection.definition.isActive else { return "The connection \(name) is inactive." }
    guard let integration = context.catalogue.integration(connection.definition.integration),
      let command = integration.commands.first(where: { $0.id == Self.commandID })
    else { return "The integration has no \(Self.commandID)." }
    do {
      let invocation = Invocation(
        command.about, id: command.id, on: connection, options: .none, deadline: nil, events: nil)
      _ = try await command.ready(nil, on: open).run(in: invocation)
      return nil
    } catch let error as CommandError {
      return error.message
    } catch {
      return "The check could not be made."
    }
  }

  private func tell(_ connection: String) {
    guard let entry = entries.withLock({ $0[connection] }) else { return }
    if entry.watch.isConfigured && audience.isAgent { return }
    var writer = JSONWriter()
    Frame.notification("health/changed", into: &writer) { Self.write(entry, to: &$0) }
    var frame = context.secrets.redact(frame: writer.bytes)
    frame.append(0x0A)
    output.append(frame)
  }

  // MARK: Showing

  /// Writes `{"watches":[…]}`.
  func write(to writer: inout JSONWriter) {
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
