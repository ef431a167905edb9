import Basics
import Delivery
import IntegrationKit
import JSON

/// A command of a plugin with arguments that were checked.
struct PluginCommand: ReadyCommand {
  let plugin: Plugin
  let command: PluginCatalogue.Command
  let arguments: JSON
  let client: PluginClient

  private var dialect: any PluginDialect { client.runner.dialect }

  func plan(in invocation: Invocation) async throws(CommandError) -> JSONFragment {
    if let request = dialect.plan(of: command, arguments, of: plugin) {
      return JSONFragment { writer in writer.array { $0.value(request) } }
    }
    let (_, ending) = try await call(in: invocation)
    switch ending {
    case .planned(let requests):
      return JSONFragment { writer in
        writer.array { writer in for request in requests { writer.value(request) } }
      }
    case .result(let result):
      // A program without the broker says what it would send.
      return result["requests"].map { JSONFragment($0) } ?? JSONFragment { $0.array { _ in } }
    }
  }

  func run(in invocation: Invocation) async throws(CommandError) -> CommandResult {
    let (call, ending) = try await call(in: invocation)
    switch ending {
    case .planned: throw PluginResult.fault("it planned a command that was to run", of: plugin.id)
    case .result(let json):
      try invocation.hold(json.documentBytes)
      do throws(CommandError) {
        return try await dialect.result(json, of: call)
      } catch {
        throw invocation.withRemedy(error)
      }
    }
  }

  /// Requests of a dry run that are kept.
  private static let maximumPlanned = 1_000

  private enum Ending {
    /// Of a dry run: the requests that it would send, as far as they do not depend on responses.
    case planned([JSONFragment])
    case result(JSON)
  }

  private func call(
    in invocation: Invocation
  ) async throws(CommandError) -> (PluginCall, Ending) {
    let call = PluginCall(
      of: command, arguments, for: client, in: invocation,
      secretValues: plugin.folder.description.givesSecretsByCall
        ? try await client.secretValues(in: invocation) : nil)
    let (peer, id) = try await send(call, in: invocation)
    let trace = plugin.context.trace
    let outcome: Result<Ending?, CommandError>
    do throws(CommandError) {
      outcome = .success(try await ending(of: call, on: peer, in: invocation))
    } catch {
      outcome = .failure(error)
    }
    // Before the outcome is returned: nothing may be sent afterwards.
    await call.close()
    peer.resumeIfBusy()
    if await call.ended(until: Deadline(inMilliseconds: 0)) {
      client.runner.release()
    } else {
      dialect.cancel(id, on: peer)
      client.runner.abandon(call, on: peer, id: id)
    }
    do throws(CommandError) {
      guard let ending = try outcome.get() else {
        throw invocation.stopped(
          "The plugin \(plugin.id)", outcome: invocation.outcomeAfterSending)
      }
      trace?.note(.end("response"))
      return (call, ending)
    } catch {
      trace?.note(.end(error.message))
      throw invocation.withRemedy(error)
    }
  }

  /// Sends the request to the program, or to the next one if that has just ended.
  private func send(
    _ call: PluginCall, in invocation: Invocation
  ) async throws(CommandError) -> (ChildPeer, Int64) {
    let trace = plugin.context.trace
    trace?.note(.call(command.id))
    for _ in 0..<2 {
      let peer = try await client.runner.acquire(for: invocation)
      trace?.note(.ready(process: peer.process))
      do throws(CommandError) {
        try await dialect.check(command, on: peer, in: invocation)
        // From here on the program may act, also without the broker.
        if !call.isDryRun { try await invocation.passFirstSend() }
      } catch {
        client.runner.release()
        throw error
      }
      let id = dialect.send(call, to: peer)
      if let id { return (peer, id) }
      client.runner.release()
      if peer.takesRequests { break }
    }
    throw unavailable("does not read its input, or has ended", outcome: .notApplied)
  }

  /// - Returns: nil if the deadline passed or the invocation was cancelled.
  private func ending(
    of call: PluginCall, on peer: ChildPeer, in invocation: Invocation
  ) async throws(CommandError) -> Ending? {
    var planned: [JSONFragment] = []
    while let events = await call.next(on: peer, isPlanned: !planned.isEmpty) {
      for event in events {
        switch event {
        case .items(let items):
          guard invocation.options.stream, !Task.isCancelled else { continue }
          plugin.context.trace?.note(.items(items.count))
          await invocation.events?.items(items)
          invocation.countItems(items.count)
        case .progress(let done, let total):
          await invocation.reportProgress(done: done, total: total)
        case .planned(let request):
          if planned.count < Self.maximumPlanned { planned.append(request) }
        // A program that was not allowed to send has no result.
        case .response where !planned.isEmpty: return .planned(planned)
        case .response(let result): return .result(try value(of: result, of: call))
        }
      }
    }
    if !planned.isEmpty, !Task.isCancelled { return .planned(planned) }
    return nil
  }

  private func value(
    of result: Result<JSON, ChildError>, of call: PluginCall
  ) throws(CommandError) -> JSON {
    let outcome = call.invocation.outcomeAfterSending
    switch result {
    case .success(let json):
      client.runner.answered()
      return json
    case .failure(.answer(let answer)):
      client.runner.answered()
      throw dialect.error(answer, of: call)
    case .failure(.tooLong):
      throw CommandError.tooLarge(
        maximumBytes: plugin.context.maximumResultBytes, outcome: outcome)
    case .failure(.malformed(let reason)):
      throw PluginResult.fault(reason, of: plugin.id, outcome: outcome)
    case .failure(.ended(let reason)):
      throw unavailable(reason, outcome: outcome)
    }
  }

  private func unavailable(_ reason: String, outcome: CommandError.Outcome) -> CommandError {
    CommandError(
      .unavailable, "The plugin \(plugin.id) \(reason).", isRetryable: outcome == .notApplied,
      outcome: outcome, remedy: "The log has the last lines of its stderr.")
  }
}
