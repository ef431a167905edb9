import Basics
import IntegrationKit

extension Engine {
  /// Milliseconds that a reload of the connections file may take, with the programs that it runs.
  private static let reloadMilliseconds = 60_000

  /// Reads the connections file again, and changes the connections and their configured watches.
  ///
  /// All reloads come here, whether a caller or a signal asks for them.
  ///
  /// - Parameter caller: for the audit file.
  /// - Returns: what has changed: nothing if the file has any problem.
  /// - Throws: if the file cannot be read, or is no connections file.
  package func reloadConnections(
    for caller: AuditCaller = AuditCaller()
  ) async throws(CommandError) -> ReloadReport {
    let deadline = Deadline(inMilliseconds: Self.reloadMilliseconds)
    let report: ReloadReport
    do throws(CommandError) {
      report = try await connections.reload(until: deadline) {
        [audit] report async throws(CommandError) in
        try await audit?.reloads(report, for: caller, until: deadline)
      }
    } catch {
      // Without a file there is nothing to reload: SIGHUP is for the audit file then.
      if connections.file.value != nil { audit?.reloadFailed(error, for: caller) }
      throw error
    }
    health.followReload(report, on: self)
    return report
  }
}
