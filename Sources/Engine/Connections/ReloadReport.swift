import JSON
import Redaction

/// What a reload of the connections file has changed.
package struct ReloadReport: Sendable {
  package internal(set) var added: [String] = []
  package internal(set) var changed: [String] = []
  package internal(set) var removed: [String] = []
  /// If there is one, nothing has changed.
  package internal(set) var rejected: [RejectedConnection] = []

  package var hasChanges: Bool { !added.isEmpty || !changed.isEmpty || !removed.isEmpty }

  package func write(to writer: inout JSONWriter) {
    writer.object { writer in
      for (name, names) in [("added", added), ("changed", changed), ("removed", removed)] {
        writer.name(text: name)
        writer.array { for name in names { $0.string(name) } }
      }
      writer.name("rejected")
      writer.array { writer in for connection in rejected { connection.write(to: &writer) } }
    }
  }

  /// Which members may quote the file.
  package static let layout = MessageLayout.object([
    "added": .own, "changed": .own, "removed": .own,
    "rejected": .list(
      of: .object([
        "name": .own,
        "problems": .list(of: .object(["path": .own, "message": .foreign, "did_you_mean": .own])),
      ])),
  ])

  /// Maximum number of names and problems in a summary.
  private static let maximumShown = 20

  /// One line for the log.
  package var summary: String {
    guard rejected.isEmpty else {
      let lines = rejected.flatMap(\.lines)
      return "the connections file has faults, so nothing has changed: \(Self.list(lines, "; "))"
    }
    let parts = [("added", added), ("changed", changed), ("removed", removed)]
      .filter { !$0.1.isEmpty }
      .map { "\($0.0) \(Self.list($0.1, ", "))" }
    return parts.isEmpty ? "the connections have not changed" : parts.joined(separator: "; ")
  }

  private static func list(_ texts: [String], _ separator: String) -> String {
    let more = texts.count - maximumShown
    let shown = texts.prefix(maximumShown).joined(separator: separator)
    return more > 0 ? "\(shown), and \(more) more" : shown
  }
}

/// A change of a connection that no caller made.
package struct ConnectionChange: Sendable {
  package enum Reload: String, CaseIterable, Sendable { case added, changed, removed }

  package let name: String
  /// What a reload did; nil if the vendor has issued a new refresh token.
  package let reload: Reload?
}
