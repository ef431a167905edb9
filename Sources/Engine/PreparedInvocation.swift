import Basics
import Crypto
import Delivery
import HTTP
import IntegrationKit
import JSON
import Redaction

/// The result of a dry run.
package struct InvocationPlan: Sendable {
  private let ready: any ReadyCommand
  private let connection: String?
  private let trace: TraceContext
  private let hasInvalidParent: Bool
  private let arrival: MonotonicTime

  init(
    _ ready: consuming any ReadyCommand, on connection: String?, _ trace: TraceContext,
    hasInvalidParent: Bool, arrival: MonotonicTime
  ) {
    self.ready = ready
    self.connection = connection
    self.trace = trace
    self.hasInvalidParent = hasInvalidParent
    self.arrival = arrival
  }

  /// Writes the requests that would be sent, without credentials.
  package func write(to writer: inout JSONWriter) {
    writer.openObject()
    writer.literal(#""return_data":"Successful","dry_run":true,"requests":"#)
    writer.openArray()
    ready.writePlan(to: &writer)
    writer.closeArray()
    if hasInvalidParent {
      writer.name("notices")
      writer.array { $0.string(TraceContext.invalidParentNotice) }
    }
    writer.literal(#""meta":"#)
    OutcomeMeta(connection: connection, trace, since: arrival).write(to: &writer)
    writer.closeObject()
  }
}

/// An invocation that was checked and can run.
package struct PreparedInvocation: Sendable {
  package let request: InvocationRequest
  package let connection: OpenConnection
  let ready: any ReadyCommand
  package let trail: InvocationTrail
  let engine: Engine
  /// The secrets that its output may contain: those of the connection, and those in the arguments,
  /// such as a password that is set. They are kept out of the log while the invocation exists.
  package let redaction: RedactionScope

  init(
    request: consuming InvocationRequest, connection: consuming OpenConnection,
    ready: consuming any ReadyCommand, trail: InvocationTrail, engine: Engine
  ) {
    redaction = RedactionScope(
      connection.connection.secrets, Self.secretArguments(of: request, in: engine.redactor))
    self.request = request
    self.connection = connection
    self.ready = ready
    self.trail = trail
    self.engine = engine
  }

  private static func secretArguments(
    of request: borrowing InvocationRequest, in all: Redactor
  ) -> Redactor? {
    let names = request.command.shape.secretNames
    guard !names.isEmpty, let arguments = request.arguments else { return nil }
    let secrets = names.compactMap { arguments[$0]?.string }
    guard !secrets.isEmpty else { return nil }
    let redactor = Redactor(in: all)
    for secret in secrets { redactor.add(secret) }
    return redactor
  }

  package var command: RegisteredCommand { request.command }
  package var confirmationNotes: [ConfirmationNote] { ready.confirmationNotes }

  /// The deadline if the time starts now; nil if the request has no timeout. For a caller that may
  /// have to wait before `run`.
  package var deadlineFromNow: Deadline? {
    request.options.timeoutMilliseconds.map { Deadline(inMilliseconds: Int($0)) }
  }

  /// Runs the command and calls `finish` with the outcome.
  ///
  /// - Parameters:
  ///   - caller: for the audit file.
  ///   - deadline: nil for the timeout of the request from now on.
  ///   - finish: makes the response.
  /// - Returns: what `finish` returned.
  package func run<Value: Sendable>(
    for caller: AuditCaller = AuditCaller(), by deadline: Deadline? = nil,
    events: (any InvocationEvents)? = nil,
    finish: (Outcome) async -> Value
  ) async -> Value {
    trail.started()
    let watched = engine.options.waits.map { WatchedEvents(events, noting: $0) }
    defer { watched?.end() }
    let invocation = Invocation(
      command.metadata, id: command.id, on: connection.connection, options: request.options,
      deadline: deadline ?? deadlineFromNow,
      events: watched ?? events, results: engine.results, observer: trail,
      firstSend: hasLedgerKey && command.effect != .read ? FirstSend() : nil)
    defer { invocation.releaseMemory() }
    let audited = engine.audit.flatMap { file in
      request.options.dryRun ? nil : AuditedInvocation(of: self, for: caller, in: file)
    }
    var outcome = await outcome(of: invocation, audited)
    let end = MonotonicTime.now
    if let audited {
      outcome = await audited.end(outcome, until: invocation.deadline.current)
    }
    guard !request.options.dryRun else { return await finish(outcome) }
    let ended = ended(outcome, at: end)
    let value = await finish(outcome)
    // After the response, which it must not delay.
    trail.spans?.finished(ended, from: trail.arrival, to: end)
    return value
  }

  private func outcome(
    of invocation: Invocation, _ audited: AuditedInvocation?
  ) async -> Outcome {
    func outcome(_ content: Outcome.Content, isReplayed: Bool = false) -> Outcome {
      Outcome(
        content, of: command, meta(of: invocation, isReplayed: isReplayed), notice: trail.notice,
        redaction: redaction)
    }
    // Of the wait for the ledger, until the command runs.
    var queuedSince: MonotonicTime?
    do throws(CommandError) {
      guard !request.options.dryRun else {
        return outcome(.recorded(try await plan(in: invocation)))
      }
      guard let (key, identity, ledger) = ledgerKey else {
        return outcome(.result(try await run(in: invocation, audited)))
      }
      var ran: Outcome?
      queuedSince = .now
      let recorded = try await ledger.once(
        key, identity, readBack: command.metadata.readBack.map { "\($0)" },
        startingAt: invocation.sender.firstSend, by: invocation.deadline
      ) { () async throws(CommandError) in
        trail.queued(since: queuedSince.take())
        let fresh = outcome(.result(try await run(in: invocation, audited)))
        ran = fresh
        // The ledger may be a file: it holds no secrets.
        return fresh.redactedResult
      }
      if let ran { return ran }
      trail.queued(since: queuedSince.take())
      return outcome(.recorded(recorded.json), isReplayed: true)
    } catch {
      trail.queued(since: queuedSince)
      return outcome(.failure(error))
    }
  }

  private func meta(of invocation: Invocation, isReplayed: Bool) -> OutcomeMeta {
    let end = MonotonicTime.now
    if engine.catalogue.hasAdded, !isReplayed,
      !engine.catalogue.isBuiltIn(request.integration.id)
    {
      trail.ranInPlugin(until: end)
    }
    var meta = OutcomeMeta(
      connection: connection.connection.name, trail.trace, since: trail.arrival, until: end)
    meta.counts = request.options.dryRun ? nil : invocation.meta
    meta.spent = trail.spent
    meta.isReplayed = isReplayed
    meta.isStreamed = request.options.stream
    return meta
  }

  /// The metadata of an error if it does not run, or its response is too large.
  package var refusalMeta: OutcomeMeta {
    var meta = OutcomeMeta(
      connection: connection.connection.name, trail.trace, since: trail.arrival)
    meta.spent = trail.spent
    return meta
  }

  /// The result of a dry run that takes time.
  private func plan(in invocation: Invocation) async throws(CommandError) -> JSON {
    let requests = try await ready.plan(in: invocation)
    return JSONFragment { writer in
      writer.object {
        $0.member("return_data", "Successful")
        $0.member("dry_run", true)
        $0.member("requests", requests)
      }
    }.json
  }

  private func run(
    in invocation: Invocation, _ audited: AuditedInvocation?
  ) async throws(CommandError) -> CommandResult {
    // Before the sign-in too, so that no request precedes its record.
    try await audited?.begin(until: invocation.deadline.current)
    do throws(CommandError) {
      return try await ready.run(in: invocation)
    } catch {
      // Also for an error of another request than the one that may have been applied.
      throw invocation.withRemedy(error)
    }
  }

  // MARK: Identity

  private var hasLedgerKey: Bool {
    request.options.idempotencyKey != nil || request.lineKey != nil
  }

  /// The key that the command runs under, and where it is looked up; nil for none.
  private var ledgerKey: (String, IdempotencyLedger.Identity, IdempotencyLedger)? {
    if let key = request.options.idempotencyKey { return (key, identity, engine.ledger) }
    guard let key = request.lineKey, let lines = engine.lines else { return nil }
    let identity = IdempotencyLedger.Identity(connection: "", call: identity.call, isOfLine: true)
    return (key, identity, lines.ledger)
  }

  /// What an idempotency key identifies: everything that decides what the command does.
  var identity: IdempotencyLedger.Identity {
    IdempotencyLedger.Identity(
      // With the settings: a connection that was replaced may lead to another tenant.
      connection: (connection.connection.name ?? "") + "\n"
        + JSONFragment(connection.connection.definition.settings).canonicalText,
      call: JSONFragment { writer in
        writer.array { writer in
          writer.string(request.integration.id)
          writer.string(command.id)
          if let arguments = request.arguments { writer.value(arguments) }
        }
      }.canonicalText)
  }

  /// Makes `fingerprint` ready for a task: its digest must not open libcrypto there.
  package func prepareFingerprint(until deadline: Deadline) async {
    _ = try? await Libcrypto.open(
      until: deadline.orEarlier(inMilliseconds: Self.libcryptoMilliseconds))
  }

  private static let libcryptoMilliseconds = 5_000

  /// Equal for invocations that do the same, byte for byte. Keeps nothing of the arguments.
  package var fingerprint: [UInt8] {
    let bytes = Array("\(identity.connection)\n\(identity.call)".utf8)
    return (try? Digest.hex(.sha256, bytes)).map { Array($0.utf8) } ?? bytes
  }
}
