import Basics
import HTTP
import IntegrationKit
import JSON
import Testing

@testable import Engine

@Suite struct EngineTests {
  private static let things = #"{"things":[{"id":1},{"id":2}]}"#

  private func engine(_ options: EngineOptions = EngineOptions()) throws -> Engine {
    try Engine.sample(ScriptedTransport { _ in .json(Self.things) }, options: options)
  }

  private func error(_ engine: Engine, _ request: InvocationRequest) -> InvocationError? {
    do throws(InvocationError) {
      _ = try engine.prepare(request)
      return nil
    } catch {
      return error
    }
  }

  // MARK: Preparing

  @Test func `invalid arguments are one error with all problems, and nothing is sent`() throws {
    let transport = ScriptedTransport { _ in .json("{}") }
    let engine = try Engine.sample(transport)
    let error = error(engine, try engine.request("list_things", #"{"page":99,"pag":1}"#))
    guard case .invalid(let problems) = error?.reason else {
      Issue.record("not refused")
      return
    }
    #expect(Set(problems.list.map(\.path)) == ["/arguments/page", "/arguments/pag"])
    #expect(error?.indicator == "List Things failed.")
    #expect(transport.requests.isEmpty)
  }

  @Test func `an unknown connection has a suggestion, and the problems of the arguments beside it`()
    throws
  {
    let engine = try engine()
    let error = error(
      engine, try engine.request("list_things", #"{"page":99}"#, on: .named("frist")))
    guard case .invalid(let problems) = error?.reason else {
      Issue.record("not refused")
      return
    }
    #expect(problems.list.map(\.path) == ["/connection", "/arguments/page"])
    #expect(problems.list.first?.didYouMean == "first")
  }

  @Test func `a host that only reads refuses what changes something`() throws {
    var options = EngineOptions()
    options.isReadOnly = true
    let engine = try engine(options)
    #expect(error(engine, try engine.request("list_things")) == nil)
    guard
      case .failed(let refusal) = error(
        engine, try engine.request("delete_things", #"{"ids":[]}"#))?
        .reason
    else {
      Issue.record("not refused")
      return
    }
    #expect(refusal.kind == .policy && refusal.outcome == .notApplied)
  }

  @Test func `a dry run writes the requests and sends none`() throws {
    let transport = ScriptedTransport { _ in .json("{}") }
    let engine = try Engine.sample(transport)
    let request = try engine.request("delete_things", #"{"ids":["a","b"]}"#) { $0.dryRun = true }
    let invocation = try engine.plan(request)
    let plan = JSONFragment { invocation.write(to: &$0) }.json
    #expect(
      plan["requests"]?.elements.map { $0["url"]?.string } == [
        "https://sample.example/things/a", "https://sample.example/things/b",
      ])
    #expect(transport.requests.isEmpty)
  }

  // MARK: Running

  @Test func `a success has the vendor's body and what it took`() async throws {
    let engine = try engine()
    let (status, result) = await try engine.prepare(try engine.request("list_things")).run {
      outcome in (outcome.status, JSONFragment { outcome.writeResult(to: &$0) }.json)
    }
    #expect(status == .successful)
    #expect(result["return_data"]?.string == "Successful")
    #expect(result["raw_data"]?["things"]?.count == 2)
    #expect(result["meta"]?["requests"]?.integer == 1)
  }

  @Test func `some failed targets make a partial success, all of them a failure`() async throws {
    let engine = try Engine.sample(
      ScriptedTransport { request in
        request.url.hasSuffix("/bad") ? .json("{}", status: 404) : .json("{}")
      })
    func status(_ ids: String) async throws -> (Outcome.Status, [String]) {
      let invocation = try engine.prepare(try engine.request("delete_things", #"{"ids":\#(ids)}"#))
      return await invocation.run { outcome in
        (outcome.status, outcome.error?.targets.map(\.target) ?? [])
      }
    }
    #expect(try await status(#"["a","b"]"#).0 == .successful)
    #expect(try await status(#"["a","bad"]"#).0 == .partial)
    let failed = try await status(#"["bad"]"#)
    #expect(failed.0 == .failed && failed.1 == ["bad"])
  }

  @Test func `a failure says what to decide by`() async throws {
    let engine = try Engine.sample(ScriptedTransport { _ in .json("{}", status: 403) })
    let error = await try engine.prepare(try engine.request("list_things")).run { $0.error }
    #expect(error?.kind == .permission && error?.statusCode == 403)
    #expect(error?.isRetryable == false && error?.outcome == .notApplied)
  }

  @Test func `a cancellation that was not the caller's is explained`() async throws {
    let engine = try engine()
    let invocation = try engine.prepare(try engine.request("list_things"))
    let task = Task {
      while !Task.isCancelled { await Task.yield() }
      return await invocation.run { outcome in
        [nil, "The host stopped."].map { outcome.explainingCancellation($0).error }
      }
    }
    task.cancel()
    let errors = await task.value
    #expect(errors.map { $0?.kind } == [.cancelled, .cancelled])
    #expect(errors.map { $0?.message } == ["The request was cancelled.", "The host stopped."])
  }

  @Test func `a secret argument is redacted until the response is made, and forgotten afterwards`()
    async throws
  {
    let engine = try engine()
    func run() async throws {
      let invocation = try engine.prepare(
        try engine.request("set_password", #"{"password":"hunter22"}"#))
      let (all, own) = await invocation.run {
        (engine.redactor.redact("hunter22"), $0.redaction.search.redact("hunter22"))
      }
      #expect(all == "[redacted]" && own == "[redacted]")
    }
    try await run()
    #expect(engine.redactor.redact("hunter22") == "hunter22")
  }

  // MARK: Idempotency

  @Test func `a key runs once, and its result is replayed`() async throws {
    let transport = ScriptedTransport { _ in .json(Self.things) }
    let engine = try Engine.sample(transport)
    func run(_ arguments: String = "{}") async throws -> (Outcome.Status, String?, Bool) {
      let request = try engine.request("list_things", arguments) { $0.idempotencyKey = "k" }
      return await try engine.prepare(request).run { outcome in
        var isRecorded = false
        if case .recorded = outcome.content { isRecorded = true }
        return (outcome.status, outcome.error?.kind.rawValue, isRecorded)
      }
    }
    #expect(try await run().2 == false)
    let replayed = try await run()
    #expect(replayed.0 == .successful && replayed.2)
    #expect(transport.requests.count == 1)
    let conflict = try await run(#"{"page":2}"#)
    #expect(conflict.0 == .failed && conflict.1 == "validation")
    #expect(transport.requests.count == 1)
  }

  @Test func `callers with one key in flight share one run`() async throws {
    let gate = Latch()
    let transport = ScriptedTransport { _ in
      _ = await gate.wait()
      return .json(Self.things)
    }
    let engine = try Engine.sample(transport)
    let request = try engine.request("list_things") { $0.idempotencyKey = "k" }
    let statuses = await withTaskGroup(of: Outcome.Status?.self) { group in
      for _ in 0..<8 {
        group.addTask { await (try? engine.prepare(request))?.run { $0.status } }
      }
      group.addTask {
        while transport.requests.isEmpty { await Task.yield() }
        gate.signal()
        return .successful
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(statuses.count == 9 && statuses.allSatisfy { $0 == .successful })
    #expect(transport.requests.count == 1)
  }
}
