import Basics
import IntegrationKit
import RPC
import Telemetry

/// Invocations that do not run: they count, and have spans and audit records.
extension Engine {
  /// Records an invocation that is refused because of its params, a rule or its user. A dry run is not
  /// recorded, because nothing runs.
  package func refused(
    _ request: RefusedRequest, _ error: InvocationError, by caller: AuditCaller,
    from origin: InvocationOrigin = .host
  ) {
    audit?.refused(request, error, by: caller)
    count(request.subject(in: self, error), error, label: request.label, from: origin)
  }

  /// The same for a call that names no command.
  package func refused(method: String, _ error: RPCError, by caller: AuditCaller) {
    audit?.refused(RefusedRequest(method: method), error, by: caller)
    let unknown = InvocationSubject.unknown
    metrics.invocations.add(
      InvocationSubject(integration: unknown, command: unknown, connection: unknown), .refused,
      kind: CommandError.Kind.validation.rawValue, nanoseconds: nil)
  }

  /// Counts a request that is refused because the host ends, or has no memory for it.
  package func count(
    _ refusal: Refusal, of request: RefusedRequest, meta: OutcomeMeta, from origin: InvocationOrigin
  ) {
    let error = InvocationError.refusal(
      refusal, indicator: "", changesSomething: false, readBack: nil, meta: meta)
    count(request.subject(in: self, error), error, label: request.label, from: origin)
  }

  fileprivate func count(
    _ subject: InvocationSubject, _ error: InvocationError, label: String?,
    from origin: InvocationOrigin
  ) {
    let (kind, outcome): (CommandError.Kind, CommandError.Outcome) =
      switch error.reason {
      case .invalid: (.validation, .notApplied)
      case .failed(let error): (error.kind, error.outcome)
      }
    metrics.invocations.add(subject, .refused, kind: kind.rawValue, nanoseconds: nil)
    guard let meta = error.meta, let span = InvocationSpans(meta.trace, to: spans) else { return }
    let end = MonotonicTime.now
    span.finished(
      EndedInvocation(
        subject: subject, origin: origin, result: .refused, error: (kind, outcome),
        connection: meta.connection.map(redactor.redact), label: label.map(redactor.redact)),
      from: end.adding(milliseconds: -meta.durationMilliseconds), to: end)
  }
}

extension PreparedInvocation {
  /// The error if it does not start, or its response is too large. The former is counted.
  package func refused(_ refusal: Refusal) -> RPCError {
    if case .tooLarge(_, hasRun: true) = refusal { return .refusal(refusal, of: self) }
    let error = InvocationError.refusal(
      refusal, indicator: command.failure, changesSomething: command.effect != .read,
      readBack: command.metadata.readBack, meta: refusalMeta)
    engine.count(subject, error, label: trail.label, from: request.origin)
    return error.rpcError
  }
}

extension RefusedRequest {
  /// Names that the host does not know are left out: their number is not limited.
  fileprivate func subject(in engine: Engine, _ error: InvocationError) -> InvocationSubject {
    let unknown = InvocationSubject.unknown
    let isKnown = integration.map { engine.catalogue.integration($0) != nil } ?? false
    let named = connection.flatMap { engine.connections.contains($0) ? $0 : nil }
    return InvocationSubject(
      integration: isKnown ? integration ?? unknown : unknown, command: command?.id ?? unknown,
      connection: error.meta?.connection ?? named
        ?? (isInline ? InvocationSubject.inline : unknown))
  }
}
