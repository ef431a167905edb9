import Basics
import Engine
import JSON
import RPC
import Redaction
import Synchronization

/// The followers of one host, by the ids of their requests.
final class Followers: Sendable {
  /// Maximum number of followers at a time. Each may hold the events of one poll
  /// (--max-result-bytes) until they are acknowledged.
  static let maximumCount = 32
  /// Maximum number of acknowledgements that wait for the disk. Each holds about 1 KiB.
  private static let maximumAcknowledgements = 4_096

  private struct State {
    var followers: [RequestID: Follower] = [:]
  }

  private let state = Mutex(State())
  let acknowledgements = TaskSemaphore(Followers.maximumAcknowledgements)

  var ids: [RequestID] { state.withLock { Array($0.followers.keys) } }

  subscript(id: RequestID) -> Follower? { state.withLock { $0.followers[id] } }

  /// - Returns: false if there are too many.
  func add(_ follower: Follower, _ id: RequestID) -> Bool {
    state.withLock { state in
      guard state.followers.count < Self.maximumCount else { return false }
      state.followers[id] = follower
      return true
    }
  }

  func remove(_ id: RequestID) { state.withLock { _ = $0.followers.removeValue(forKey: id) } }
}

/// The methods that follow events.
extension JSONRPCFront {
  func follow(_ params: JSON?, _ reply: consuming Reply) -> Answered {
    let arrival = reply.arrival
    guard let id = reply.id, !reply.isInBatch else {
      return reply.error(
        InvocationError(
          RequestProblems("", "events/follow must be a single request with an id")
        ).rpcError)
    }
    let follower = Follower(on: engine)
    // Here, so that the end of the input finds every follower.
    guard followers.add(follower, id) else { return reply.error(.tooManyTasks("events/follow")) }
    return reply.runWithoutSlot(
      isSilentWhenCancelled: false, onCancel: {},
      run: {
        [engine, connection, optionsMemo, followers] request in
        defer { followers.remove(id) }
        do throws(InvocationError) {
          await engine.catalogue.load(
            params?["integration"], until: Deadline(inMilliseconds: Self.loadMilliseconds))
          let followRequest: FollowRequest
          do throws(InvocationError) {
            followRequest = try FollowParams.request(
              params, engine, optionsMemo, arrival: arrival)
          } catch {
            Self.recordRefusal(
              of: params, error, by: AuditCaller(id), in: engine, from: .host)
            throw error
          }
          let summary = try await follower.run(
            followRequest, id: JSONFragment(id: id), to: FollowNotifications(id, on: connection))
          return request.result(
            redaction: .secrets(of: summary.redaction, FollowSummary.layout)
          ) { summary.write(to: &$0) }
        } catch {
          return request.error(
            Self.withMeta(error, of: params, since: arrival, in: engine).rpcError)
        }
      })
  }

  func acknowledge(_ params: JSON?, _ reply: consuming Reply) -> Answered {
    let parameters: AcknowledgeParams
    let progress: FollowProgress
    do throws(RPCError) {
      parameters = try AcknowledgeParams.shape.params(params, as: AcknowledgeParams.self)
      guard let found = followers[parameters.id]?.progress else {
        throw InvocationError(
          RequestProblems("/id", "no events/follow with this id is in flight")
        ).rpcError
      }
      progress = found
    } catch {
      return reply.error(error)
    }
    let sequence = Int(parameters.sequence)
    do throws(InvocationError) {
      if let done = try progress.acknowledgeAtOnce(sequence) {
        return reply.result(redaction: .ownText) { done.write(to: &$0) }
      }
    } catch {
      return reply.error(error.rpcError)
    }
    guard followers.acknowledgements.tryAcquire() else {
      return reply.error(.tooManyTasks("events/ack"))
    }
    return reply.runWithoutSlot(
      isSilentWhenCancelled: false, onCancel: {},
      run: {
        [followers] request in
        defer { followers.acknowledgements.release() }
        do throws(InvocationError) {
          let done = try await progress.acknowledge(sequence)
          return request.result(redaction: .ownText) { done.write(to: &$0) }
        } catch {
          return request.error(error.rpcError)
        }
      })
  }
}

/// The notifications of one follower.
private struct FollowNotifications: FollowOutput {
  private let id: RequestID
  private let connection: RPC.Connection

  init(_ id: RequestID, on connection: RPC.Connection) {
    self.id = id
    self.connection = connection
  }

  func event(_ event: FollowedEvent) async {
    await send("events/event", .secrets(of: event.redaction, Self.own + FollowedEvent.layout)) {
      event.writeMembers(to: &$0)
    }
  }

  func polled(_ poll: FinishedPoll) async {
    await send("events/heartbeat", .secrets(of: poll.redaction, Self.own + FinishedPoll.layout)) {
      poll.writeMembers(to: &$0)
    }
  }

  func failed(_ error: InvocationError, nextPollAtMilliseconds: Int64) async {
    let layout = MessageLayout.object(["error": Outcome.errorLayout, "next_poll_at": .own])
    await send("events/failed", .secrets(of: error.redaction, Self.own + layout)) { writer in
      writer.name("error")
      error.write(to: &writer)
      writer.member("next_poll_at", WallClock.rfc3339(nextPollAtMilliseconds))
    }
  }

  private static let own = MessageLayout.object(["id": .own])

  private func send(
    _ method: StaticString, _ redaction: FrameWriter.Redaction,
    _ write: (inout JSONWriter) -> Void
  ) async {
    connection.send(
      connection.frames.notification(method, redaction: redaction) { writer in
        writer.object { writer in
          writer.name("id")
          id.write(to: &writer)
          write(&writer)
        }
      })
    // Unread events must not accumulate.
    await connection.room()
  }
}
