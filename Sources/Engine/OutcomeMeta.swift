import Basics
import IntegrationKit
import JSON

/// `meta` of a result or an error: which connection was used, in which trace, and how long it took.
package struct OutcomeMeta: Sendable {
  /// Nil for an inline connection, and if none was found.
  package let connection: String?
  package let trace: TraceContext
  package let durationMilliseconds: Int
  /// Nil if the command did not run.
  package var counts: InvocationMeta?
  package var spent: SpentTimes?
  /// Whether the result is that of an earlier invocation with the same idempotency key.
  package var isReplayed = false
  /// Whether `counts.items` applies.
  var isStreamed = false

  init(
    connection: String?, _ trace: TraceContext, since arrival: MonotonicTime,
    until end: MonotonicTime = .now
  ) {
    self.connection = connection
    self.trace = trace
    durationMilliseconds = end.milliseconds(since: arrival)
  }

  /// Of a request whose options cannot be read as a whole.
  package init(refusing traceparent: String?, since arrival: MonotonicTime) {
    self.init(connection: nil, TraceContext.of(traceparent).0, since: arrival)
  }

  package var traceID: String { trace.traceID }

  /// Writes the object. By openings and literals, because every result has it.
  package func write(to writer: inout JSONWriter) {
    writer.openObject()
    if let connection { writer.member("connection", connection) }
    writer.literal(#""trace_id":"#)
    writer.string(hex: trace.words)
    writer.literal(#""duration_ms":"#)
    writer.integer(durationMilliseconds)
    if let counts { write(counts, to: &writer) }
    spent?.write("spent_ms", to: &writer)
    if isReplayed { writer.literal(#""replayed":true"#) }
    writer.closeObject()
  }

  private func write(_ counts: InvocationMeta, to writer: inout JSONWriter) {
    writer.member("requests", counts.requests)
    writer.member("retries", counts.retries)
    writer.member("waited_ms", counts.waitedMilliseconds)
    guard !isReplayed else { return }
    writer.member("pages", counts.pages)
    if isStreamed { writer.member("items", counts.items) }
  }
}
