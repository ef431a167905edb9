import Basics
import IntegrationKit
import JSON
import RPC

/// One invoke without a stream of requests around it, for `call`.
package struct DirectInvoke: Sendable {
  private let context: HostContext

  private let events: (any InvocationEvents)?
  private let running = ActiveRequests.Request(id: nil)

  package init(_ context: HostContext, events: (any InvocationEvents)? = nil) {
    self.context = context
    self.events = events
  }

  /// Runs it and waits. Blocks.
  ///
  /// - Parameter params: as of the method `invoke`.
  /// - Returns: the response as the wire would carry it.
  package func response(to params: JSON) -> JSON {
    let id = RequestID.null
    let finished = Monitor<[UInt8]?>(nil)
    running.run(
      Task.detached {
        let frame = await answer(params, id)
        finished.withLock { $0 = frame }
        finished.notify()
      })
    let frame = finished.wait { $0 } ?? []
    context.writePendingRecords()
    return JSONFragment(trusted: frame).json
  }

  /// Ends it; what was done until then is in the response.
  package func cancel() { running.cancel(.caller) }

  private func answer(_ params: JSON, _ id: RequestID) async -> [UInt8] {
    do throws(RPCError) {
      let request = try InvokeRequest(params, in: context)
      if request.options.dryRun {
        return context.secrets.redact(frame: request.dryRunFrame(id))
      }
      return await InvokeRun(
        request: request, id: id, context: context, active: running, events: events
      ).answer().frame
    } catch {
      var writer = JSONWriter()
      Frame.error(id, error, into: &writer)
      return context.secrets.redact(frame: writer.bytes)
    }
  }
}

extension InvokeRequest {
  /// Writes the answer to a dry run: what would be sent, without credentials.
  func writeDryRun(_ id: RequestID, into writer: inout JSONWriter) {
    Frame.result(id, into: &writer) { writer in
      writer.object { writer in
        writer.literal(#""return_data":"Successful","dry_run":true"#)
        writer.name("requests")
        writer.array { writer in
          // In place: a loop over elements would copy each request.
          ready.plan().withUnsafeBufferPointer { plan in
            for position in plan.indices { plan[position].write(to: &writer) }
          }
        }
      }
    }
  }

  func dryRunFrame(_ id: RequestID) -> [UInt8] {
    var writer = JSONWriter()
    writeDryRun(id, into: &writer)
    return writer.bytes
  }
}
