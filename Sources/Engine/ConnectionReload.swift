import Basics
import IntegrationKit

extension Engine {
  /// Milliseconds that a reload of the connections file may take, with the programs that it runs.
  private static let reloadMilliseconds = 60_000

  /// Reads the connections file again, and changes the connections and their configured watches.
  ///
  /// All reloads come here, whether a caller or a signal asks for them.
  ///
  /// - Returns: what has changed: nothing if the file has any problem.
  /// - Throws: if the file cannot be read, or is no connections file.
  package func reloadConnections() async throws(CommandError) -> ReloadReport {
    let report = try await connections.reload(
      until: Deadline(inMilliseconds: Self.reloadMilliseconds))
    health.followReload(report, on: self)
    return report
  }
}
