import Basics
import Engine
import IntegrationKit
import JSON
import RPC

/// A tool call that is ready to run, and the writer of its result.
struct ToolRun: Sendable {
  let invocation: PreparedInvocation
  let result: ToolResult

  func response(
    to request: InFlightRequest, on connection: RPC.Connection, by deadline: Deadline? = nil
  ) async -> Response {
    let events = result.caller.progressToken.map {
      ProgressNotifications($0, of: result.caller, on: connection, for: request)
    }
    return await invocation.run(
      for: result.caller.sender(of: request.id), by: deadline, events: events
    ) { outcome in
      // Unread responses must not accumulate.
      await connection.room()
      return await result.response(
        to: request, outcome.explainingCancellation(request.cancelReason?.explanation))
    }
  }
}

/// A tool call that requires confirmation by the user.
struct ConfirmedRun: Sendable {
  let run: ToolRun
  let engine: Engine
  let connection: RPC.Connection
  let questions: Questions
  let files: QuestionFiles

  private var command: RegisteredCommand { run.invocation.command }
  private var caller: MCPCaller { run.result.caller }
  private var timeoutMilliseconds: Int {
    run.invocation.request.options.timeoutMilliseconds.map { Int($0) }
      ?? Confirmation.defaultTimeoutMilliseconds
  }

  /// - Parameter timeout: the deadline of the call. The question counts towards it. Nil if the call
  ///   has no timeout.
  func response(to request: InFlightRequest, by timeout: Deadline?) async -> Response {
    let deadline =
      timeout ?? Deadline(inMilliseconds: Confirmation.defaultTimeoutMilliseconds)
    await run.invocation.prepareFingerprint(until: deadline)
    var confirmation = Confirmation(
      invocation: run.invocation, lists: TargetLists(in: files))
    confirmation.names =
      await TargetNames(of: run.invocation, in: engine, until: deadline)?
      .read(for: caller.sender(of: request.id)) ?? [:]
    do throws(CommandError) {
      try await confirmation.lists.store(for: run.invocation, until: deadline)
    } catch {
      confirmation.lists.remove()
      return await response(to: request, InvocationError(error, indicator: command.failure))
    }
    if caller.revision.isStateless {
      let token = questions.token(for: run.invocation, confirmation.lists)
      return request.result(redaction: .ownText) {
        confirmation.writeInputRequired(token, for: caller, to: &$0)
      }
    }
    let answer = await ask(confirmation, for: request, until: deadline)
    confirmation.lists.remove()
    if case .accepted = answer { return await runAgain(for: request, by: timeout) }
    guard let refusal = refusal(answer) else {
      let cancelled = CommandError.cancelled(outcome: .notApplied)
      record(InvocationError(cancelled, indicator: command.failure), of: request)
      return request.noResponse()
    }
    return await response(to: request, refusal)
  }

  private func ask(
    _ confirmation: Confirmation, for request: InFlightRequest, until deadline: Deadline
  ) async -> Questions.Answer {
    await questions.ask(
      for: request, until: deadline,
      send: { [connection, caller] question in
        connection.send(confirmation.question(question, for: caller, by: connection.frames))
      },
      withdraw: { [connection] question, reason in
        connection.send(Confirmation.withdrawal(of: question, reason, by: connection.frames))
      })
  }

  /// The error of a command that was not confirmed; nil if its call was cancelled.
  private func refusal(_ answer: Questions.Answer) -> InvocationError? {
    switch answer {
    case .accepted, .cancelled: nil
    case .declined: Confirmation.declined(command)
    case .unable(let code):
      Confirmation.unable(
        command, run.result.options.confirmation,
        why: "it answered the question with an error\(code.map { " (\($0))" } ?? "")")
    case .timedOut: Confirmation.timedOut(command, afterMilliseconds: timeoutMilliseconds)
    case .inputEnded: Confirmation.inputEnded(command)
    case .tooMany: Confirmation.tooMany(command)
    }
  }

  /// Prepares the confirmed invocation again, because the connection may have changed.
  private func runAgain(for request: InFlightRequest, by timeout: Deadline?) async -> Response {
    guard await request.reacquireSlot() else {
      return request.error(.stopping(run.invocation))
    }
    do throws(InvocationError) {
      if let timeout, timeout.hasPassed {
        throw Confirmation.timedOut(command, afterMilliseconds: timeoutMilliseconds)
      }
      let invocation = try engine.prepare(
        run.invocation.request, continuing: run.invocation.trail)
      guard invocation.fingerprint == run.invocation.fingerprint else {
        throw Confirmation.refusal(
          command, "The connection changed after the user was asked.", remedy: "Retry the call.")
      }
      return await ToolRun(invocation: invocation, result: run.result)
        .response(to: request, on: connection, by: timeout)
    } catch {
      return await response(to: request, error)
    }
  }

  /// The response of a command that does not run.
  private func response(
    to request: InFlightRequest, _ error: InvocationError
  ) async -> Response {
    var error = error
    error.meta = error.meta ?? run.invocation.refusalMeta
    record(error, of: request)
    return await run.result.response(to: request, error)
  }

  private func record(_ error: InvocationError, of request: InFlightRequest) {
    engine.refused(
      RefusedRequest(run.invocation.request), error, by: caller.sender(of: request.id),
      from: .toolCall)
  }
}
