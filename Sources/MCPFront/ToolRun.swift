import Basics
import Engine
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
      id: JSONFragment(id: request.id ?? .null), by: deadline, events: events
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

  func response(to request: InFlightRequest) async -> Response {
    await run.invocation.prepareFingerprint()
    let names = await TargetNames(of: run.invocation, in: engine)?.read() ?? [:]
    let confirmation = Confirmation(invocation: run.invocation, names: names)
    let caller = run.result.caller
    if caller.revision.isStateless {
      let token = questions.token(for: run.invocation)
      return request.result(redaction: .ownText) {
        confirmation.writeInputRequired(token, for: caller, to: &$0)
      }
    }
    let answer = await questions.ask(
      for: request,
      send: { [connection] question in
        connection.send(confirmation.question(question, for: caller, by: connection.frames))
      },
      withdraw: { [connection] question in
        connection.send(Confirmation.withdrawal(of: question, by: connection.frames))
      })
    let command = run.invocation.command
    switch answer {
    case .accepted: return await runAgain(for: request)
    case .declined: return await run.result.response(to: request, Confirmation.declined(command))
    case .tooMany: return await run.result.response(to: request, Confirmation.tooMany(command))
    case .inputEnded:
      return await run.result.response(to: request, Confirmation.inputEnded(command))
    case .cancelled: return request.noResponse()
    }
  }

  /// Prepares the confirmed invocation again, because the connection may have changed.
  private func runAgain(for request: InFlightRequest) async -> Response {
    let command = run.invocation.command
    guard await request.reacquireSlot() else {
      return request.error(.stopping(indicator: command.failure))
    }
    do throws(InvocationError) {
      let invocation = try engine.prepare(run.invocation.request)
      guard invocation.fingerprint == run.invocation.fingerprint else {
        throw Confirmation.refusal(
          command, "The connection changed after the user was asked.", remedy: "Retry the call.")
      }
      return await ToolRun(invocation: invocation, result: run.result)
        .response(to: request, on: connection)
    } catch {
      return await run.result.response(to: request, error)
    }
  }
}
