import Basics
import Crypto
import HTTP
import IntegrationKit
import JSON
import RPC
import Redaction

/// Runs one invocation to its answer.
struct InvokeRun: Sendable {
  let request: InvokeRequest
  let id: RequestID
  let context: HostContext
  let active: ActiveRequests.Request
  let events: (any InvocationEvents)?
  /// Writes the answer where it is that of a tool.
  var tool: ToolResult?
  let start = MonotonicTime.now

  /// The answer, which is one whole frame, and what it is.
  func answer() async -> (frame: [UInt8], kind: AnswerKind) {
    // A password that is set is kept out of everything while the command runs, and nothing of it
    // stays in memory afterwards.
    let secrets = request.secretArguments
    for secret in secrets { context.secrets.add(secret) }
    defer { for secret in secrets { context.secrets.remove(secret) } }
    let invocation = Invocation(
      request.command.about, id: request.command.id, on: request.connection.connection,
      options: request.options,
      deadline: request.options.timeoutMilliseconds.map { Deadline(inMilliseconds: Int($0)) },
      events: events)
    let outcome: Result<JSONFragment, CommandError>
    do throws(CommandError) {
      outcome = .success(try await result(in: invocation))
    } catch {
      outcome = .failure(explained(error))
    }
    await audit(outcome, until: invocation.deadline.current)
    var writer = JSONWriter(capacity: 1_024)
    switch outcome {
    case .success(let result):
      let kind = AnswerKind(ofResult: result)
      if let tool { return (tool.frame(id, result), kind) }
      Frame.result(id, into: &writer) { $0.value(result) }
      return (context.secrets.redact(frame: writer.bytes), kind)
    case .failure(let error):
      let failure = Failure.command(error, indicator: request.command.failure)
      if let tool { return (tool.frame(id, failure), .error) }
      Frame.error(id, failure, into: &writer)
      return (context.secrets.redact(frame: writer.bytes), .error)
    }
  }

  private func result(in invocation: Invocation) async throws(CommandError) -> JSONFragment {
    guard let key = request.options.idempotencyKey else { return try await run(in: invocation) }
    return try await context.ledger.once(
      key, request.identity, readBack: request.command.about.readBack.map { "\($0)" },
      by: invocation.deadline
    ) { () async throws(CommandError) in
      // What is kept on a disk is kept without secrets.
      JSONFragment(trusted: context.secrets.redact(frame: try await run(in: invocation).bytes))
    }
  }

  private func run(in invocation: Invocation) async throws(CommandError) -> JSONFragment {
    let result: CommandResult
    do throws(CommandError) {
      result = try await request.ready.run(in: invocation)
    } catch {
      // Also for an error that is not of the request which may have been applied.
      throw invocation.withRemedy(error)
    }
    let meta = invocation.meta
    return JSONFragment { writer in
      result.write(to: &writer, indicator: request.command.failure)
      writer.name("meta")
      writer.object {
        $0.member("duration_ms", MonotonicTime.now.milliseconds(since: start))
        $0.member("requests", meta.requests)
        $0.member("retries", meta.retries)
        $0.member("waited_ms", meta.waitedMilliseconds)
        $0.member("pages", meta.pages)
        if request.options.stream { $0.member("items", meta.items) }
      }
      writer.closeObject()
    }
  }

  /// Says why it was cancelled where it was not the caller who did.
  private func explained(_ error: CommandError) -> CommandError {
    guard error.kind == .cancelled, let reason = active.cancelReason else { return error }
    var error = error
    switch reason {
    case .caller: break
    case .draining: error.message = "The host stopped before the request was finished."
    case .outputGone: error.message = "The reader of the answers went away."
    }
    return error
  }

  private func audit(
    _ outcome: Result<JSONFragment, CommandError>, until deadline: Deadline
  ) async {
    guard let audit = context.audit else { return }
    await audit.write(
      JSONFragment { writer in
        writer.object { writer in
          writer.member("time", WallClock.rfc3339(WallClock.nowMilliseconds))
          writer.name("id")
          id.write(to: &writer)
          writer.member("integration", request.integration.id)
          writer.member("command", request.command.id)
          writer.member("effect", request.command.effect.rawValue)
          writer.member(ifPresent: "connection", request.connection.connection.name)
          request.writeArguments(to: &writer)
          switch outcome {
          case .success(let result):
            writer.member("return_data", result.json["return_data"]?.string ?? "Successful")
          case .failure(let error):
            writer.member("return_data", "Failed")
            writer.member("kind", error.kind.rawValue)
            writer.member("status_code", error.statusCode)
            writer.member("outcome", error.outcome.rawValue)
          }
          writer.member("duration_ms", MonotonicTime.now.milliseconds(since: start))
        }
      }, until: deadline)
  }
}

extension InvokeRequest {
  /// Arguments that are credentials, such as a password that is set.
  fileprivate var secretArguments: [String] {
    command.shape.secretNames.compactMap { arguments?[$0]?.string }
  }

  /// Writes the member `arguments`, if there are any, with credentials redacted.
  fileprivate func writeArguments(to writer: inout JSONWriter) {
    guard let arguments else { return }
    let secrets = command.shape.secretNames
    writer.name("arguments")
    guard !secrets.isEmpty else { return writer.value(arguments) }
    writer.object { writer in
      for argument in arguments.members {
        writer.name(copying: argument.name)
        if secrets.contains(argument.name.string ?? "") {
          writer.string(Redactor.replacement)
        } else {
          writer.value(argument.value)
        }
      }
    }
  }

  /// Equal for calls that do the same, byte for byte. Keeps nothing of the arguments.
  var fingerprint: [UInt8] {
    let bytes = Array("\(identity.connection)\n\(identity.call)".utf8)
    return (try? Digest.hex(.sha256, bytes)).map { Array($0.utf8) } ?? bytes
  }

  /// What an idempotency key stands for: everything that decides what would be done.
  var identity: IdempotencyLedger.Identity {
    IdempotencyLedger.Identity(
      // With the settings: a connection that was replaced may lead to another tenant.
      connection: (connection.connection.name ?? "") + "\n"
        + JSONFragment(connection.connection.definition.settings).canonicalText,
      call: JSONFragment { writer in
        writer.array { writer in
          writer.string(integration.id)
          writer.string(command.id)
          if let arguments { writer.value(arguments) }
        }
      }.canonicalText)
  }
}
