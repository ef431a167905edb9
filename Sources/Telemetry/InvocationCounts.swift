import Synchronization

/// How an invocation ended.
package enum InvocationResult: String, Sendable {
  case successful, partial, failed
  /// It did not run: its params, a policy, a fence, a user, or a cancellation while it was parked.
  case refused
  /// The result is that of an earlier call with the same idempotency key.
  case replayed
}

/// What an invocation runs, and on which connection.
package struct InvocationSubject: Hashable, Sendable {
  /// In place of a name that is not in the catalogue or is no connection: callers choose it.
  package static let unknown = "_unknown"
  /// In place of the name of a connection that the caller brings.
  package static let inline = "_inline"
  static let other = "_other"

  package let integration: String
  package let command: String
  package let connection: String

  /// - Parameters: the names that the host knows, or `unknown`.
  package init(integration: String, command: String, connection: String) {
    self.integration = integration
    self.command = command
    self.connection = OpenMetricsWriter.cut(connection)
  }
}

/// Counts invocations by subject, result and kind, and their durations.
package final class InvocationCounts: Sendable {
  /// Maximum number of subjects that are counted separately.
  package static let maximumSubjects = 2_000

  private struct Series: Sendable {
    var counts: [(result: InvocationResult, kind: String, count: Int)] = []
    var durations = DurationHistogram()

    mutating func count(_ result: InvocationResult, _ kind: String) {
      // Few of all combinations occur.
      if let known = counts.firstIndex(where: { $0.result == result && $0.kind == kind }) {
        counts[known].count += 1
      } else {
        counts.append((result, kind, 1))
      }
    }
  }

  private let series: Mutex<LabelSets<InvocationSubject, Series>>

  package init() {
    let other = InvocationSubject.other
    series = Mutex(
      LabelSets(
        maximum: Self.maximumSubjects,
        others: InvocationSubject(integration: other, command: other, connection: other),
        initial: Series()))
  }

  /// - Parameters:
  ///   - kind: of the error; empty for a result.
  ///   - nanoseconds: the duration; nil if it did not run.
  package func add(
    _ subject: InvocationSubject, _ result: InvocationResult, kind: String = "",
    nanoseconds: Int64?
  ) {
    series.withLock { series in
      series.change(subject) {
        $0.count(result, kind)
        if let nanoseconds { $0.durations.add(nanoseconds: nanoseconds) }
      }
    }
  }

  func write(to writer: inout OpenMetricsWriter) {
    let all = series.withLock { $0.values }.sorted {
      ($0.key.integration, $0.key.command, $0.key.connection)
        < ($1.key.integration, $1.key.command, $1.key.connection)
    }
    writer.begin(
      "sallyport_invocations", .counter,
      "Calls of commands, by how they ended. Dry runs are not counted.")
    for (subject, series) in all {
      for entry in series.counts.sorted(by: {
        ($0.result.rawValue, $0.kind) < ($1.result.rawValue, $1.kind)
      }) {
        writer.sample(
          "_total",
          [
            ("integration", subject.integration), ("command", subject.command),
            ("connection", subject.connection), ("result", entry.result.rawValue),
            ("kind", entry.kind),
          ], entry.count)
      }
    }
    writer.begin(
      "sallyport_invocation_duration_seconds", .histogram, unit: "seconds",
      "Duration of calls that were not refused.")
    var rest = all[...]
    while let (subject, first) = rest.popFirst() {
      var durations = first.durations
      while let next = rest.first, next.key.integration == subject.integration,
        next.key.command == subject.command
      {
        durations.add(next.value.durations)
        rest.removeFirst()
      }
      guard durations.count > 0 else { continue }
      durations.write(
        [("integration", subject.integration), ("command", subject.command)], to: &writer)
    }
  }
}
