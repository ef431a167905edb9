import Basics
import IntegrationKit
import JSON

extension ConnectionStore {
  /// Milliseconds that a program may take to write the file if it is a pipe.
  private static let fileMilliseconds = 10_000

  /// Reads the connections file again and changes the connections that it changes. Calls in flight
  /// keep their connection. Connections of callers stay, also if the file has one of the same name.
  ///
  /// - Parameter announce: called with what is about to change. If it throws, nothing changes.
  /// - Returns: what has changed: nothing if the file has any problem.
  /// - Throws: if the file cannot be read, or is no connections file.
  func reload(
    until deadline: Deadline,
    announce: (ReloadReport) async throws(CommandError) -> Void
  ) async throws(CommandError) -> ReloadReport {
    guard let file = file.value else {
      throw CommandError(
        .unavailable, "The host has no connections file.",
        remedy: "Start it with --connections FILE.")
    }
    guard await turn.acquire(until: deadline) else {
      throw CommandError(
        .unavailable, "Another reload of the connections file is running.", isRetryable: true,
        remedy: "Wait for its result.")
    }
    defer { turn.release() }
    let read: Result<(ConfiguredConnections.Content, [Opened]), ConfigurationError>
    do throws(BlockingWork.Interruption) {
      // It may run programs for references.
      read = try await BlockingWork.helpers.run(until: deadline) { [self] in
        Result { () throws(ConfigurationError) in
          var content = try file.read(
            with: maker, until: deadline.orEarlier(inMilliseconds: Self.fileMilliseconds))
          let opened = open(&content, of: file) { name, text in
            state.withLock { $0.table.configured(name) != text }
          }
          return (content, opened)
        }
      }
    } catch {
      throw CommandError(error, of: "Reading the connections file")
    }
    switch read {
    case .success(let (content, opened)):
      try await announce(state.withLock { plan(content, opened, $0) })
      return apply(content, opened)
    case .failure(let error):
      throw CommandError(
        .unavailable, "The connections were not reloaded: \(error.message).",
        remedy: "Nothing has changed. "
          + (error.remedy ?? "Correct the file, then reload it again."))
    }
  }

  /// What a file changes.
  private func plan(
    _ content: ConfiguredConnections.Content, _ opened: [Opened], _ state: State
  ) -> ReloadReport {
    var report = ReloadReport()
    guard content.rejected.isEmpty else {
      report.rejected = content.rejected
      return report
    }
    for (name, _, text) in opened {
      if state.table[name] == nil {
        report.added.append(name)
      } else if let configured = state.table.configured(name), configured != text {
        report.changed.append(name)
      }
      // One of a caller stays. One whose refresh token the host has just written has not changed.
    }
    let names = Set(content.connections.map(\.name))
    report.removed = state.table.configuredNames.filter { !names.contains($0) }
    return report
  }

  private func apply(
    _ content: ConfiguredConnections.Content, _ opened: [Opened]
  ) -> ReloadReport {
    // Released outside the lock, with their secrets.
    let (report, old) = state.withLock { state -> (ReloadReport, [Entry?]) in
      let report = plan(content, opened, state)
      let put = Set(report.added + report.changed)
      var old: [Entry?] = []
      for (name, open, text) in opened where put.contains(name) {
        old.append(
          state.table.put(Entry(name: name, open: open), cost: 0, configured: text))
      }
      for name in report.removed { old.append(state.table.remove(name)) }
      return (report, old)
    }
    withExtendedLifetime(old) {}
    tell(
      [
        (ConnectionChange.Reload.added, report.added), (.changed, report.changed),
        (.removed, report.removed),
      ].flatMap { reload, names in names.map { ConnectionChange(name: $0, reload: reload) } })
    return report
  }
}
