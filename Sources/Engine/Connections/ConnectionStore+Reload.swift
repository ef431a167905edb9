import Basics
import IntegrationKit
import JSON

extension ConnectionStore {
  /// Milliseconds that a program may take to write the file if it is a pipe.
  private static let fileMilliseconds = 10_000

  /// Reads the connections file again and changes the connections that it changes. Calls in flight
  /// keep their connection. Connections of callers stay, also if the file has one of the same name.
  ///
  /// - Returns: what has changed: nothing if the file has any problem.
  /// - Throws: if the file cannot be read, or is no connections file.
  func reload(until deadline: Deadline) async throws(CommandError) -> ReloadReport {
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
    case .success(let (content, opened)): return apply(content, opened)
    case .failure(let error):
      throw CommandError(
        .unavailable, error.message.prefix(1).uppercased() + error.message.dropFirst() + ".",
        remedy: error.remedy ?? "Nothing has changed. Correct the file, then reload it again.")
    }
  }

  private func apply(
    _ content: ConfiguredConnections.Content, _ opened: [Opened]
  ) -> ReloadReport {
    var report = ReloadReport()
    guard content.rejected.isEmpty else {
      report.rejected = content.rejected
      return report
    }
    let names = Set(content.connections.map(\.name))
    // Released outside the lock, with their secrets.
    let (changes, old) = state.withLock { state -> (ReloadReport, [Entry?]) in
      var report = ReloadReport()
      var old: [Entry?] = []
      for (name, open, text) in opened {
        let isNew = state.table[name] == nil
        // One of a caller stays.
        guard isNew || state.table.configured(name) != nil else { continue }
        old.append(
          state.table.put(Entry(name: name, open: open), cost: 0, configured: text))
        if isNew { report.added.append(name) } else { report.changed.append(name) }
      }
      for name in state.table.configuredNames where !names.contains(name) {
        old.append(state.table.remove(name))
        report.removed.append(name)
      }
      return (report, old)
    }
    report = changes
    withExtendedLifetime(old) {}
    tell(
      [
        (ConnectionChange.Reload.added, report.added), (.changed, report.changed),
        (.removed, report.removed),
      ].flatMap { reload, names in names.map { ConnectionChange(name: $0, reload: reload) } })
    return report
  }
}
