import Basics
import Delivery
import IntegrationKit
import Telemetry

/// An invocation that has ended, as metrics and spans describe it.
struct EndedInvocation {
  let subject: InvocationSubject
  let origin: InvocationOrigin
  let result: InvocationResult
  /// Nil for a result.
  let error: (kind: CommandError.Kind, outcome: CommandError.Outcome)?
  /// Nil for an inline or unknown connection.
  let connection: String?
  let label: String?

  var name: String { "\(subject.integration) \(subject.command)" }

  var attributes: [Span.Attribute] {
    var attributes = [
      Span.Attribute("sallyport.integration", subject.integration),
      Span.Attribute("sallyport.command", subject.command),
      Span.Attribute("sallyport.result", result.rawValue),
    ]
    if let method = origin.method {
      attributes.append(Span.Attribute("rpc.system", "jsonrpc"))
      attributes.append(Span.Attribute("rpc.method", method))
    }
    if let connection { attributes.append(Span.Attribute("sallyport.connection", connection)) }
    if let label { attributes.append(Span.Attribute("sallyport.label", label)) }
    if let error {
      attributes.append(Span.Attribute("error.type", error.kind.rawValue))
      attributes.append(Span.Attribute("sallyport.outcome", error.outcome.rawValue))
    }
    return attributes
  }
}

extension PreparedInvocation {
  var subject: InvocationSubject {
    InvocationSubject(
      integration: request.integration.id, command: command.id,
      connection: connection.connection.name ?? InvocationSubject.inline)
  }

  /// Counts the invocation, so that its caller finds it in the metrics when it has the response.
  ///
  /// - Parameter end: when its outcome was known.
  func ended(_ outcome: Outcome, at end: MonotonicTime) -> EndedInvocation {
    let (error, counts) = (outcome.error, outcome.meta.counts)
    let result: InvocationResult =
      if outcome.meta.isReplayed {
        .replayed
      } else if let error, error.isRefusal, counts?.requests ?? 0 == 0 {
        .refused
      } else {
        switch outcome.status {
        case .successful: .successful
        case .partial: .partial
        case .failed: .failed
        }
      }
    engine.metrics.invocations.add(
      subject, result, kind: error?.kind.rawValue ?? "",
      nanoseconds: result == .refused ? nil : end.nanoseconds - trail.arrival.nanoseconds)
    if let retries = counts?.retries, retries > 0 { engine.metrics.vendors.addRetries(retries) }
    // Texts of callers, which are only read for spans.
    let isExported = trail.spans != nil
    return EndedInvocation(
      subject: subject, origin: request.origin, result: result,
      error: error.map { ($0.kind, $0.outcome) },
      connection: isExported ? connection.connection.name.map(engine.redactor.redact) : nil,
      label: isExported ? trail.label.map(engine.redactor.redact) : nil)
  }
}

extension CommandError {
  /// Whether it is the fault of the call, or a rule forbids it.
  fileprivate var isRefusal: Bool { kind == .validation || kind == .policy }
}
