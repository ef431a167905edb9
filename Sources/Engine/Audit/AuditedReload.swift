import Basics
import IntegrationKit
import JSON

/// The records of reloads of the connections file.
extension AuditFile {
  /// Records a reload before it changes the connections.
  ///
  /// - Throws: if the file is required and cannot be written.
  func reloads(
    _ report: ReloadReport, for caller: AuditCaller, until deadline: Deadline
  ) async throws(CommandError) {
    let record = record(.connectionReloaded, of: caller) { writer in
      Self.write("added", report.added, to: &writer)
      Self.write("changed", report.changed, to: &writer)
      Self.write("removed", report.removed, to: &writer)
      Self.write("rejected", report.rejected.map(\.name), to: &writer)
    }
    guard isRequired, report.hasChanges else { return add(record) }
    try await require(record, isSynced: true, until: deadline)
  }

  /// Records a reload that changed nothing because of an error.
  func reloadFailed(_ error: CommandError, for caller: AuditCaller) {
    add(
      record(.connectionReloaded, of: caller) { writer in
        writer.member("kind", error.kind.rawValue)
        writer.member("status_code", error.statusCode)
        writer.member("message", error.message)
      })
  }

  private static func write(
    _ name: StaticString, _ connections: [String], to writer: inout JSONWriter
  ) {
    writer.name(name)
    writer.array { for connection in connections { $0.string(connection) } }
  }
}
