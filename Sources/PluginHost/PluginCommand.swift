import Basics
import Delivery
import IntegrationKit
import JSON

/// A command of a plugin with arguments that were checked.
struct PluginCommand: ReadyCommand {
  let plugin: Plugin
  let command: PluginCatalogue.Command
  let arguments: JSON?
  let client: PluginClient

  /// The program decides what it sends.
  var hasReadyPlan: Bool { false }

  func plan(in invocation: Invocation) async throws(CommandError) -> JSONFragment {
    let ending = try await call(in: invocation)
    switch ending {
    case .planned(let request):
      return JSONFragment { writer in writer.array { $0.value(request) } }
    case .result(let result):
      // A program without the broker says what it would send.
      return result["requests"].map { JSONFragment($0) } ?? JSONFragment { $0.array { _ in } }
    }
  }

  func run(in invocation: Invocation) async throws(CommandError) -> CommandResult {
    switch try await call(in: invocation) {
    case .planned: throw PluginResult.fault("it planned a command that was to run", of: plugin.id)
    case .result(let json):
      try invocation.hold(json.documentBytes)
      return try await PluginResult(json, of: command, plugin.id).result(in: invocation)
    }
  }

  private enum Ending {
    case planned(JSONFragment)
    case result(JSON)
  }

  private func call(in invocation: Invocation) async throws(CommandError) -> Ending {
    let values =
      plugin.folder.description.secrets == .plain
      ? try await client.secretValues(in: invocation) : nil
    let call = PluginCall(
      invocation, client, arguments: arguments, failure: command.metadata.failure)
    let (peer, id) = try await send(call, values, in: invocation)
    let outcome: Result<Ending?, CommandError>
    do throws(CommandError) {
      outcome = .success(try await ending(of: call, on: peer, in: invocation))
    } catch {
      outcome = .failure(error)
    }
    // Before the outcome is told: nothing may be sent afterwards.
    await call.close()
    peer.resumeIfBusy()
    do throws(CommandError) {
      guard let ending = try outcome.get() else {
        peer.sendAndForget("cancel") { $0.object { $0.member("id", Int(id)) } }
        client.runner.abandon(call, on: peer, id: id)
        throw invocation.stopped(
          "The plugin \(plugin.id)", outcome: invocation.outcomeAfterSending)
      }
      if case .planned = ending {
        // Its response, an error that it was not allowed to send, is not needed.
        client.runner.abandon(call, on: peer, id: id)
      } else {
        client.runner.release()
      }
      return ending
    } catch {
      if await call.ended(until: Deadline(inMilliseconds: 0)) { client.runner.release() }
      throw invocation.withRemedy(error)
    }
  }

  /// Sends the request to the program, or to the next one if that has just ended.
  private func send(
    _ call: PluginCall, _ values: [String: String]?, in invocation: Invocation
  ) async throws(CommandError) -> (ChildPeer, Int64) {
    for _ in 0..<2 {
      let peer = try await client.runner.acquire(for: invocation)
      let id = peer.send("invoke", to: call) { write(invocation, values, to: &$0) }
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
    while let events = await call.next(on: peer) {
      for event in events {
        switch event {
        case .items(let items):
          guard invocation.options.stream, !Task.isCancelled else { continue }
          await invocation.events?.items(items)
          invocation.countItems(items.count)
        case .progress(let done, let total):
          await invocation.reportProgress(done: done, total: total)
        case .planned(let request): return .planned(request)
        case .response(let result): return .result(try value(of: result, call, in: invocation))
        }
      }
    }
    return nil
  }

  private func write(
    _ invocation: Invocation, _ values: [String: String]?, to writer: inout JSONWriter
  ) {
    let options = invocation.options
    writer.object { writer in
      writer.member("integration", plugin.id)
      writer.member("command", command.id)
      writer.name("connection")
      writer.object {
        $0.member("integration", plugin.id)
        $0.name("settings")
        client.writeSettings(to: &$0, values: values)
      }
      writer.name("arguments")
      if let arguments { writer.value(arguments) } else { writer.object { _ in } }
      writer.name("options")
      writer.object { writer in
        writer.member("timeout_ms", max(1, invocation.deadline.current.remainingMilliseconds))
        if options.stream { writer.member("stream", true) }
        if options.stream || options.progress { writer.member("progress", true) }
        if options.allPages { writer.member("all_pages", true) }
        if options.dryRun { writer.member("dry_run", true) }
      }
    }
  }

  private func value(
    of result: Result<JSON, ChildError>, _ call: PluginCall, in invocation: Invocation
  ) throws(CommandError) -> JSON {
    switch result {
    case .success(let json):
      client.runner.answered()
      return json
    case .failure(.answer(let answer)):
      client.runner.answered()
      throw PluginResult.error(answer, of: plugin.id, in: invocation, outcome: call.outcome)
    case .failure(.tooLong):
      throw CommandError.tooLarge(
        maximumBytes: plugin.context.maximumResultBytes, outcome: invocation.outcomeAfterSending)
    case .failure(.malformed(let reason)):
      throw PluginResult.fault(reason, of: plugin.id, outcome: invocation.outcomeAfterSending)
    case .failure(.ended(let reason)):
      throw unavailable(reason, outcome: invocation.outcomeAfterSending)
    }
  }

  private func unavailable(_ reason: String, outcome: CommandError.Outcome) -> CommandError {
    CommandError(
      .unavailable, "The plugin \(plugin.id) \(reason).", isRetryable: outcome == .notApplied,
      outcome: outcome, remedy: "The log has the last lines of its stderr.")
  }
}
