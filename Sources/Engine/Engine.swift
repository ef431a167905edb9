import Basics
import FileStore
import IntegrationKit
import JSON
import Redaction
import Telemetry

/// Prepares and runs the invocations of one host. Fronts translate between a protocol and the engine.
package final class Engine: Sendable {
  package let catalogue: Catalogue
  package let connections: ConnectionStore
  package let redactor: Redactor
  package let log: Log
  package let options: EngineOptions
  /// Of keys that callers give.
  package let ledger: IdempotencyLedger
  /// Of keys that writes of request files get; nil if they get none.
  package let lines: LineLedger?
  package let files: FileStore
  package let audit: AuditFile?
  package let health: HealthMonitor
  package let metrics = Metrics()
  /// Nil if spans are not exported.
  package let spans: SpanExporter?
  /// The memory of the results of all invocations.
  let results: ResultMemory

  package init(
    catalogue: Catalogue, connections: ConnectionStore, redactor: Redactor, log: Log,
    options: EngineOptions, ledger: IdempotencyLedger, lines: LineLedger? = nil, files: FileStore,
    audit: AuditFile? = nil, spans: SpanExporter? = nil
  ) {
    self.catalogue = catalogue
    self.connections = connections
    self.redactor = redactor
    self.log = log
    self.options = options
    self.ledger = ledger
    self.lines = lines
    self.files = files
    self.audit = audit
    self.spans = spans
    results = ResultMemory(maximumResultBytes: options.maximumResultBytes)
    health = HealthMonitor()
    metrics.addSources { [health] in
      $0.connectionHealth = { health.states }
      if let spans { $0.droppedSpans = { spans.dropped } }
    }
  }

  /// Validates a request: its connection, the policy, its arguments. Sends nothing.
  ///
  /// - Parameter trail: of the same request, if it was prepared before.
  /// - Throws: all problems, in one error.
  package func prepare(
    _ request: consuming InvocationRequest, continuing trail: InvocationTrail? = nil
  ) throws(InvocationError) -> PreparedInvocation {
    let (connection, ready) = try check(request)
    if let trail {
      return PreparedInvocation(
        request: request, connection: connection, ready: ready, trail: trail, engine: self)
    }
    let trail = InvocationTrail(of: request, on: connection.connection.name, in: self)
    if trail.hasInvalidParent { logInvalidParent(trail.trace) }
    return PreparedInvocation(
      request: request, connection: connection, ready: ready, trail: trail, engine: self)
  }

  /// Validates a request like `prepare`, and plans the requests to the vendor. Sends nothing.
  ///
  /// - Throws: all problems, in one error.
  package func plan(
    _ request: borrowing InvocationRequest
  ) throws(InvocationError) -> InvocationPlan {
    let (connection, ready) = try check(request)
    let (trace, isInvalid) = TraceContext.of(request.options.traceparent)
    if isInvalid { logInvalidParent(trace) }
    return InvocationPlan(
      ready, on: connection.connection.name, trace, hasInvalidParent: isInvalid,
      arrival: request.arrival)
  }

  /// The metadata of the error of a request that cannot be read as a whole.
  package func meta(refusing traceparent: String?, since arrival: MonotonicTime) -> OutcomeMeta {
    let (trace, isInvalid) = TraceContext.of(traceparent)
    if isInvalid { logInvalidParent(trace) }
    return OutcomeMeta(connection: nil, trace, since: arrival)
  }

  private func logInvalidParent(_ trace: TraceContext) {
    log.info(
      TraceContext.invalidParentNotice, fields: [LogField("trace_id", trace.traceID)])
  }

  private func check(
    _ request: borrowing InvocationRequest
  ) throws(InvocationError) -> (OpenConnection, any ReadyCommand) {
    var name: String?
    do throws(Refusal) {
      let connection = try find(request)
      name = connection.connection.name
      try checkPolicy(request.command, connection)
      let ready = try ready(request, on: connection)
      if let refusal = ready.refusal { throw .command(refusal) }
      return (connection, ready)
    } catch {
      let (trace, isInvalid) = TraceContext.of(request.options.traceparent)
      if isInvalid { logInvalidParent(trace) }
      var refused = invocationError(error, request)
      refused.meta = OutcomeMeta(connection: name, trace, since: request.arrival)
      throw refused
    }
  }

  private func ready(
    _ request: borrowing InvocationRequest, on connection: OpenConnection
  ) throws(Refusal) -> any ReadyCommand {
    do throws(ParameterProblems) {
      return try request.command.ready(request.arguments, on: connection)
    } catch {
      throw .arguments(error)
    }
  }

  /// Why a request is rejected.
  private enum Refusal: Error {
    case connection(RequestProblems)
    case arguments(ParameterProblems)
    case command(CommandError)
  }

  private func find(_ request: borrowing InvocationRequest) throws(Refusal) -> OpenConnection {
    if request.connection.isInline,
      let error = options.fences.refusal(ofConnectionBy: "An inline connection")
    {
      throw .command(error)
    }
    do throws(ConnectionProblem) {
      return try connections.find(request.connection, for: request.integration)
    } catch {
      switch error {
      case .parameter(let path, let message, let suggestion):
        throw .connection(RequestProblems(path, message, didYouMean: suggestion))
      case .problems(let problems):
        throw .connection(RequestProblems(problems, prefix: "/connection"))
      case .command(let error):
        throw .command(error)
      }
    }
  }

  private func checkPolicy(
    _ command: RegisteredCommand, _ connection: OpenConnection
  ) throws(Refusal) {
    if options.isReadOnly && command.effect != .read {
      throw .command(
        CommandError(
          .policy, "\(command.id) is not allowed: the host was started with --read-only.",
          remedy: "Use a host without --read-only."))
    }
    guard let refusal = connection.refusal(of: command) else { return }
    throw .command(
      CommandError(
        .policy, "\(command.id) is not allowed: \(refusal).",
        remedy: "Use a connection whose policy allows it."))
  }

  private func invocationError(
    _ refusal: Refusal, _ request: borrowing InvocationRequest
  ) -> InvocationError {
    let command = request.command
    switch refusal {
    case .command(let error): return InvocationError(error, indicator: command.failure)
    case .arguments(let problems):
      return InvocationError(
        RequestProblems(problems, prefix: "/arguments"), indicator: command.failure)
    case .connection(var problems):
      problems.add(Self.argumentProblems(request.arguments, of: command))
      return InvocationError(problems, indicator: command.failure)
    }
  }

  /// The problems of arguments, independent of a connection. Empty if they are valid.
  package static func argumentProblems(
    _ arguments: JSON?, of command: RegisteredCommand
  ) -> RequestProblems {
    do throws(ParameterProblems) {
      try command.check(arguments)
      return RequestProblems()
    } catch {
      return RequestProblems(error, prefix: "/arguments")
    }
  }
}
