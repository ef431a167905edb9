import Basics
import IntegrationKit
import JSON
import Redaction
import Synchronization

/// Runs Test Connection on a schedule and reports changes.
///
/// A check is an invocation: policy, audit, rate limits and the concurrency limit of the connection
/// apply to it. Watches stop when the host exits. They do not delay the exit.
package final class HealthMonitor: Sendable {
  /// Maximum number of watches of callers, one per connection. Configured watches do not count.
  package static let maximumWatches = 256
  /// Maximum number of checks at a time, of callers' watches and of configured ones each. Others
  /// wait, within their deadline.
  static let maximumChecks = 32
  /// Milliseconds of a check, if its interval is longer: an hour.
  static let maximumCheckMilliseconds = 3_600_000
  /// Maximum length of the message of a failed check. It is redacted with the secrets of all
  /// connections, so a long text of a vendor would show which of many guesses is one.
  private static let maximumMessageCharacters = 300
  /// The command for checks. Every integration has it.
  private static let commandID = "test_connection"

  enum Status: String, Sendable { case unknown, healthy, unhealthy }

  /// Why a check failed.
  struct Failure: Error, Sendable {
    let kind: CommandError.Kind
    let message: String
    /// Nil if the check did not start.
    let meta: OutcomeMeta?

    init(_ kind: CommandError.Kind, _ message: String, meta: OutcomeMeta? = nil) {
      self.kind = kind
      self.message = message
      self.meta = meta
    }

    init(_ error: InvocationError) {
      switch error.reason {
      case .failed(let failure): self.init(failure.kind, failure.message, meta: error.meta)
      case .invalid(let problems):
        self.init(
          .validation, problems.list.first?.message ?? "the check is invalid", meta: error.meta)
      }
    }
  }

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

    var intervalMilliseconds: Int { Int(intervalSeconds) * 1_000 }
    var checkMilliseconds: Int { min(intervalMilliseconds, HealthMonitor.maximumCheckMilliseconds) }
  }

  /// A status change: the current state of a watch, and whether the watch is configured.
  package struct Change: Sendable {
    package let isConfigured: Bool
    fileprivate let entry: Entry

    package func write(to writer: inout JSONWriter) { HealthMonitor.write(entry, to: &writer) }
  }

  fileprivate struct Entry: Sendable {
    let watch: Watch
    let number: Int
    let task: Task<Void, Never>
    var status = Status.unknown
    var consecutiveFailures: Int64 = 0
    var failure: Failure?
    var checkedAtMilliseconds: Int64?
  }

  private struct State {
    var entries: [String: Entry] = [:]
    /// Of the last watch, so that a late check of a replaced watch is recognised.
    var number = 0
    var isStopped = false

    func isFull(for watch: Watch) -> Bool {
      guard !watch.isConfigured, entries[watch.connection] == nil else { return false }
      return entries.values.count { !$0.watch.isConfigured } >= HealthMonitor.maximumWatches
    }
  }

  private let state = Mutex(State())
  private let callerSlots = TaskSemaphore(HealthMonitor.maximumChecks)
  /// Separate, so that a caller cannot keep the configured watches from running.
  private let configuredSlots = TaskSemaphore(HealthMonitor.maximumChecks)
  private let listener = Mutex<(@Sendable (Change) -> Void)?>(nil)

  /// Calls `listener` with all further changes.
  package func reportChanges(to listener: @escaping @Sendable (Change) -> Void) {
    self.listener.withLock { $0 = listener }
  }

  /// Starts the configured watches. Their first checks are spread over one interval, so that not all
  /// vendors are asked at once; the last one runs after the whole interval.
  package func watchConfigured(on engine: Engine) {
    watchConfigured(engine.connections.entries, on: engine)
  }

  private func watchConfigured(_ entries: [ConnectionStore.Entry], on engine: Engine) {
    let watched = entries.filter {
      $0.open.connection.definition.healthCheck != nil && $0.open.connection.definition.isActive
    }
    for (position, entry) in watched.enumerated() {
      guard let check = entry.open.connection.definition.healthCheck else { continue }
      let watch = Watch(
        connection: entry.name, intervalSeconds: check.intervalMinutes * 60,
        notifyAfterFailures: check.notifyAfterFailures, isConfigured: true)
      let first = watch.intervalMilliseconds * (position + 1) / watched.count
      replace(watch, on: engine, firstCheckIn: first)
    }
  }

  /// Starts, replaces and stops the configured watches of connections that a reload has changed.
  /// Watches of callers stay while their connection exists.
  func followReload(_ report: ReloadReport, on engine: Engine) {
    for name in report.removed { _ = stop(name) }
    for name in report.changed where isConfigured(name) { _ = stop(name) }
    let names = Set(report.added + report.changed)
    guard !names.isEmpty, !isStopped else { return }
    watchConfigured(
      engine.connections.entries.filter { names.contains($0.name) && !isWatched($0.name) },
      on: engine)
  }

  private func isWatched(_ connection: String) -> Bool {
    state.withLock { $0.entries[connection] != nil }
  }

  private func isConfigured(_ connection: String) -> Bool {
    state.withLock { $0.entries[connection]?.watch.isConfigured == true }
  }

  private var isStopped: Bool { state.withLock { $0.isStopped } }

  /// Starts a watch for a caller, with the first check at once. Replaces an existing watch of the
  /// connection.
  ///
  /// - Throws: if the check is not allowed, or there are too many watches.
  package func start(_ watch: Watch, on engine: Engine) throws(InvocationError) {
    _ = try engine.prepare(try Self.request(watch, on: engine, milliseconds: 1))
    guard replace(watch, on: engine, firstCheckIn: 0) else {
      throw InvocationError(
        RequestProblems(
          "/connection",
          "the host has \(Self.maximumWatches) watches, the maximum; stop one with health/unwatch"))
    }
  }

  /// - Returns: false if there are too many watches.
  @discardableResult
  private func replace(_ watch: Watch, on engine: Engine, firstCheckIn milliseconds: Int) -> Bool {
    let (isStarted, old) = state.withLock { state -> (Bool, Task<Void, Never>?) in
      guard !state.isFull(for: watch) else { return (false, nil) }
      state.number += 1
      let number = state.number
      let old = state.entries[watch.connection]?.task
      // Under the lock, so that the first check finds its entry.
      let task = Task.detached { [weak engine] in
        var next = MonotonicTime.now.adding(milliseconds: milliseconds)
        while true {
          await Task.pause(milliseconds: next.milliseconds(since: .now))
          guard !Task.isCancelled, let engine else { return }
          await engine.health.check(watch, number, on: engine)
          next = max(next.adding(milliseconds: watch.intervalMilliseconds), .now)
        }
      }
      state.entries[watch.connection] = Entry(watch: watch, number: number, task: task)
      return (true, old)
    }
    old?.cancel()
    return isStarted
  }

  /// - Returns: whether the connection was watched.
  package func stop(_ connection: String) -> Bool {
    let task = state.withLock { $0.entries.removeValue(forKey: connection)?.task }
    task?.cancel()
    return task != nil
  }

  /// Stops all watches. A reload starts none after that.
  package func stopAll() {
    let tasks = state.withLock { state in
      state.isStopped = true
      return state.entries.values.map(\.task)
    }
    for task in tasks { task.cancel() }
  }

  // MARK: Checking

  private func check(_ watch: Watch, _ number: Int, on engine: Engine) async {
    let open = Self.open(watch.connection, on: engine)
    let failure = await failure(watch, on: engine)
    // A connection that was replaced meanwhile is checked next time.
    guard !Task.isCancelled, open === Self.open(watch.connection, on: engine) else { return }
    let (isNews, entry) = state.withLock { state -> (Bool, Entry?) in
      guard var entry = state.entries[watch.connection], entry.number == number else {
        return (false, nil)
      }
      let before = entry.status
      entry.status = failure == nil ? .healthy : .unhealthy
      entry.consecutiveFailures = failure == nil ? 0 : entry.consecutiveFailures + 1
      entry.failure = failure
      entry.checkedAtMilliseconds = WallClock.nowMilliseconds
      state.entries[watch.connection] = entry
      let isNews =
        entry.status != before || entry.consecutiveFailures == watch.notifyAfterFailures
      return (isNews, entry.status == before ? nil : entry)
    }
    if let entry { Self.audit(entry, in: engine.audit) }
    if isNews { report(watch.connection) }
  }

  /// Records that the status changed.
  private static func audit(_ entry: Entry, in file: AuditFile?) {
    file?.healthChanged(
      entry.watch.connection, to: entry.status.rawValue, failures: Int(entry.consecutiveFailures),
      entry.failure.map { ($0.kind, $0.message) })
  }

  /// Why the connection does not work; nil if it works.
  private func failure(_ watch: Watch, on engine: Engine) async -> Failure? {
    let deadline = Deadline(inMilliseconds: watch.checkMilliseconds)
    let slots = watch.isConfigured ? configuredSlots : callerSlots
    guard await slots.acquire(until: deadline) else {
      return Failure(
        .unavailable, "The check did not start in time: \(Self.maximumChecks) others are running.")
    }
    defer { slots.release() }
    do throws(InvocationError) {
      let request = try Self.request(
        watch, on: engine, milliseconds: max(1, deadline.remainingMilliseconds))
      let invocation = try engine.prepare(request, recordingRefusalFor: AuditCaller())
      return await invocation.run { outcome in
        outcome.error.map { error in
          // Redacted before it is cut: a part of a secret would stay.
          let message = engine.redactor.redact(error.message)
          return Failure(
            error.kind, String(message.prefix(Self.maximumMessageCharacters)), meta: outcome.meta)
        }
      }
    } catch {
      return Failure(error)
    }
  }

  private static func open(_ name: String, on engine: Engine) -> OpenConnection? {
    engine.connections.entries.first { $0.name == name }?.open
  }

  private static func request(
    _ watch: Watch, on engine: Engine, milliseconds: Int
  ) throws(InvocationError) -> InvocationRequest {
    guard let definition = open(watch.connection, on: engine)?.connection.definition,
      let integration = engine.catalogue.integration(definition.integration),
      let command = integration.commands.first(where: { $0.id == commandID })
    else {
      throw InvocationError(
        RequestProblems("/connection", "the connection \(watch.connection) does not exist"))
    }
    var options = InvocationOptions.none
    options.timeoutMilliseconds = Int64(milliseconds)
    return InvocationRequest(
      integration, command, on: .named(watch.connection), arguments: nil, options: options)
  }

  private func report(_ connection: String) {
    guard let entry = state.withLock({ $0.entries[connection] }) else { return }
    let listener = listener.withLock { $0 }
    listener?(Change(isConfigured: entry.watch.isConfigured, entry: entry))
  }

  // MARK: Showing

  /// Which members of a watch are a vendor's text.
  package static let layout = MessageLayout.object([
    "connection": .own, "status": .own, "consecutive_failures": .own,
    "error": .object(["kind": .own, "message": .foreign, "meta": .own]),
    "checked_at": .own, "interval_seconds": .own, "notify_after_failures": .own,
  ])

  /// The watched connections whose last check succeeded or failed, by name.
  var states: [(connection: String, isHealthy: Bool)] {
    state.withLock { $0.entries.values.filter { $0.status != .unknown } }
      .map { ($0.watch.connection, $0.status == .healthy) }
      .sorted { $0.connection < $1.connection }
  }

  /// Writes `{"watches":[…]}`.
  package func write(to writer: inout JSONWriter) {
    let entries = state.withLock {
      $0.entries.values.sorted { $0.watch.connection < $1.watch.connection }
    }
    writer.object { writer in
      writer.name("watches")
      writer.array { writer in for entry in entries { Self.write(entry, to: &writer) } }
    }
  }

  private static func write(_ entry: Entry, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("connection", entry.watch.connection)
      writer.member("status", entry.status.rawValue)
      writer.member("consecutive_failures", Int(entry.consecutiveFailures))
      if let failure = entry.failure {
        writer.name("error")
        writer.object {
          $0.member("kind", failure.kind.rawValue)
          $0.member("message", failure.message)
          if let meta = failure.meta {
            $0.name("meta")
            meta.write(to: &$0)
          }
        }
      }
      writer.member(ifPresent: "checked_at", entry.checkedAtMilliseconds.map(WallClock.rfc3339))
      writer.member("interval_seconds", Int(entry.watch.intervalSeconds))
      writer.member("notify_after_failures", Int(entry.watch.notifyAfterFailures))
    }
  }
}
