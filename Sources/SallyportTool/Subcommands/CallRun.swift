import Basics
import Engine
import IntegrationKit
import JSON
import Redaction
import Synchronization

/// One invocation for `call`, without an RPC connection.
final class CallRun: Sendable {
  private let engine: Engine
  private let task = Mutex<Task<Void, Never>?>(nil)
  private let isCancelled = Atomic(false)

  init(_ engine: Engine) { self.engine = engine }

  /// Runs the command. Blocks.
  ///
  /// - Parameter items: gets the items of a stream.
  /// - Returns: the redacted response, as on the wire.
  func response(to request: InvocationRequest, streamingTo items: StreamedItems? = nil) -> JSON {
    let invocation: PreparedInvocation
    do throws(InvocationError) {
      if request.options.dryRun, request.command.hasReadyPlan {
        let plan = try engine.plan(request)
        return shown(.result { plan.write(to: &$0) }, .nothing)
      }
      invocation = try engine.prepare(request, recordingRefusalFor: AuditCaller())
    } catch {
      return shown(.error(error), .nothing)
    }
    let finished = Monitor<JSON?>(nil)
    items?.start(invocation, cancel: cancel)
    let running = Task.detached { [self] in
      let response = await invocation.run(events: items ?? WaitNotice()) { outcome in
        if let error = outcome.invocationError { return shown(.error(error), outcome.redaction) }
        return shown(.result { outcome.writeResult(to: &$0) }, outcome.redaction)
      }
      finished.withLock { $0 = response }
      finished.notify()
    }
    task.withLock { $0 = running }
    if isCancelled.load(ordering: .acquiring) { running.cancel() }
    return finished.wait { $0 } ?? JSONFragment.null.json
  }

  /// Cancels the command. The response contains the outcomes so far.
  func cancel() {
    isCancelled.store(true, ordering: .releasing)
    task.withLock { $0 }?.cancel()
  }

  private enum Shown {
    case result((inout JSONWriter) -> Void)
    case error(InvocationError)
  }

  private static let layout = MessageLayout.object([
    "result": Outcome.resultLayout,
    "error": .object(["code": .own, "message": .own, "data": Outcome.errorLayout]),
  ])

  /// Parses the redacted text for display, so that a user sees the same as a caller.
  private func shown(_ shown: Shown, _ redaction: RedactionScope) -> JSON {
    let written = JSONFragment { writer in
      writer.object { writer in
        switch shown {
        case .result(let write):
          writer.name("result")
          write(&writer)
        case .error(let error):
          writer.name("error")
          writer.object {
            $0.member("code", error.rpcError.code.rawValue)
            $0.member("message", error.indicator)
            $0.name("data")
            error.write(to: &$0)
          }
        }
      }
    }
    return (redaction.search.replacement(json: written, Self.layout) ?? written).json
  }
}
