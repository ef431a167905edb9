import Basics
import Delivery
import IntegrationKit
import Redaction
import Synchronization
import Telemetry

/// The spans of one invocation: one for itself, and one for each HTTP request. Their names and
/// attributes follow the semantic conventions of OpenTelemetry. They have no values of arguments.
final class InvocationSpans: Sendable {
  private struct Waits {
    var events: [Span.Event] = []
    var dropped = 0
  }

  private let exporter: SpanExporter
  private let trace: TraceContext
  private let clock = SpanClock()
  private let waits = Mutex(Waits())

  /// Nil if spans are not exported, or the caller does not want this trace to be.
  init?(_ trace: TraceContext, to exporter: SpanExporter?) {
    guard let exporter, trace.isSampled else { return nil }
    self.exporter = exporter
    self.trace = trace
  }

  // MARK: Requests

  func attempted(_ attempt: HTTPAttempt) {
    let template = attempt.pathTemplate
    var attributes = [
      Span.Attribute("http.request.method", attempt.method.rawValue),
      Span.Attribute("url.template", template),
    ]
    if let server = attempt.server {
      attributes.append(Span.Attribute("server.address", server.host))
      attributes.append(Span.Attribute("server.port", server.port))
    }
    if attempt.number > 1 {
      attributes.append(Span.Attribute("http.request.resend_count", attempt.number - 1))
    }
    if attempt.isPartOfSignIn { attributes.append(Span.Attribute("sallyport.sign_in", true)) }
    var isError = true
    switch attempt.result {
    case .status(let status):
      attributes.append(Span.Attribute("http.response.status_code", status))
      isError = status >= 400
      if isError { attributes.append(Span.Attribute("error.type", "\(status)")) }
    case .error(let kind):
      attributes.append(Span.Attribute("error.type", CommandError.kind(of: kind).rawValue))
    }
    var span = Span(
      traceID: trace.traceID, spanID: TraceContext.newSpanID(), parentSpanID: trace.spanID,
      hasRemoteParent: false, name: "\(attempt.method.rawValue) \(template)", .client,
      fromNanoseconds: clock.nanoseconds(attempt.start),
      toNanoseconds: clock.nanoseconds(attempt.end), attributes: attributes)
    span.isError = isError
    exporter.add(span)
  }

  // MARK: Waits

  func waited(_ wait: SendWait) {
    var attributes: [Span.Attribute] = []
    if case .rateLimit(let bucket) = wait.reason {
      attributes.append(Span.Attribute("sallyport.wait.bucket", bucket))
    }
    waited(wait.reason.name, from: wait.start, to: wait.end, attributes)
  }

  /// A wait of the whole invocation.
  func queued(from start: MonotonicTime, to end: MonotonicTime) {
    let reason = SendWait.Reason.queue.name
    if end.nanoseconds - start.nanoseconds >= Self.shownNanoseconds {
      waited(reason, from: start, to: end, [])
    }
  }

  /// Shorter ones are left out, as in the log: they are the work of a busy machine.
  private static let shownNanoseconds: Int64 = 10_000_000

  private func waited(
    _ reason: StaticString, from start: MonotonicTime, to end: MonotonicTime,
    _ more: [Span.Attribute]
  ) {
    let time = SpentTimes.milliseconds(end.nanoseconds - start.nanoseconds)
    let event = Span.Event(
      "wait", atNanoseconds: clock.nanoseconds(start),
      [
        Span.Attribute("sallyport.wait.reason", "\(reason)"),
        Span.Attribute("sallyport.wait.duration_ms", time),
      ] + more)
    waits.withLock { waits in
      if waits.events.count < Span.maximumEvents {
        waits.events.append(event)
      } else {
        waits.dropped += 1
      }
    }
  }

  // MARK: The end

  func finished(
    _ ended: EndedInvocation, from start: MonotonicTime, to end: MonotonicTime
  ) {
    var span = Span(
      traceID: trace.traceID, spanID: trace.spanID, parentSpanID: trace.parentSpanID,
      hasRemoteParent: trace.parentSpanID != nil, name: ended.name, .server,
      fromNanoseconds: clock.nanoseconds(start), toNanoseconds: clock.nanoseconds(end),
      attributes: ended.attributes)
    span.isError = ended.error != nil
    let waits = waits.withLock { $0 }
    (span.events, span.droppedEvents) = (waits.events, waits.dropped)
    exporter.add(span)
  }
}
