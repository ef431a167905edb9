import Basics
import Engine
import IntegrationKit
import JSON
import RPC

/// The params of `events/follow`: those of an invoke, and how to poll.
struct FollowParams: ParameterObject {
  static let naming = ParameterShape.Naming.verbatim
  private static let shape = ParameterShape(of: FollowParams.self)
  let everySeconds: Int64
  let maximumUnacknowledged: Int64
  let checkpoint: String?

  private static let everyAbout = "The interval between polls in seconds."
  private static let unacknowledgedAbout =
    "The number of events that are sent before the first of them must be acknowledged."
  private static let checkpointAbout =
    "The name of a file below --state-dir with the position of the acknowledged events. A later "
    + "follower with that name continues there. One follower uses it at a time."

  /// Its schema has the descriptions.
  init(_ members: inout ParamReader) {
    everySeconds = members.optional(
      "every_seconds",
      .integer(
        from: FollowRequest.secondsRange.lowerBound, to: FollowRequest.secondsRange.upperBound),
      "", default: FollowRequest.everySeconds)
    maximumUnacknowledged = members.optional(
      "max_unacknowledged",
      .integer(
        from: FollowRequest.unacknowledgedRange.lowerBound,
        to: FollowRequest.unacknowledgedRange.upperBound),
      "", default: FollowRequest.maximumUnacknowledged)
    checkpoint = members.optional(
      "checkpoint", .text(maximumCharacters: FollowRequest.maximumCheckpointCharacters), "")
  }

  /// - Throws: all problems in the params, in one error.
  static func request(
    _ params: JSON?, _ engine: Engine, _ memo: OptionsMemo, arrival: MonotonicTime
  ) throws(InvocationError) -> FollowRequest {
    guard let params, params.kind == .object else {
      throw InvocationError(RequestProblems("", "params must be an object with command"))
    }
    var problems = unknown(in: params)
    let own = object(of: params, shape.names)
    let follow: FollowParams?
    do throws(ParameterProblems) {
      follow = try shape.decode(own) { FollowParams(&$0) }
    } catch {
      problems.add(RequestProblems(error, prefix: ""))
      follow = nil
    }
    let invoke: JSON
    do throws(RequestProblems) {
      invoke = try self.invoke(params, in: engine)
    } catch {
      throw InvocationError(problems + error)
    }
    let invocation: InvocationRequest
    do throws(InvocationError) {
      invocation = try InvokeParams.request(invoke, engine, memo, arrival: arrival)
    } catch {
      guard case .invalid(let others) = error.reason else { throw error }
      let end = InvokeParams.command(invoke, in: engine.catalogue).flatMap(FollowRequest.end(of:))
      throw InvocationError(
        problems + (end.map { others.without("/arguments/\($0)") } ?? others),
        indicator: error.indicator)
    }
    do throws(RequestProblems) {
      let request = try FollowRequest(
        invocation, everySeconds: follow?.everySeconds ?? FollowRequest.everySeconds,
        maximumUnacknowledged: follow?.maximumUnacknowledged
          ?? FollowRequest.maximumUnacknowledged,
        checkpoint: follow?.checkpoint)
      if problems.isEmpty { return request }
    } catch {
      problems.add(error)
    }
    if let end = FollowRequest.end(of: invocation.command) {
      let others = Engine.argumentProblems(invocation.arguments, of: invocation.command)
      problems.add(others.without("/arguments/\(end)"))
    }
    throw InvocationError(problems, indicator: invocation.command.failure)
  }

  /// The params of the invoke, with the integration.
  private static func invoke(
    _ params: JSON, in engine: Engine
  ) throws(RequestProblems) -> JSON {
    let given = object(of: params, InvokeParams.memberNames)
    guard given["command"] != nil else { throw RequestProblems("/command", "is required") }
    guard given["integration"] == nil, let id = try integration(of: params, in: engine) else {
      return given
    }
    return JSONFragment { writer in
      writer.object { writer in
        writer.member("integration", id)
        for member in given.members {
          writer.name(copying: member.name)
          writer.value(member.value)
        }
      }
    }.json
  }

  /// The integration of the connection; without a connection, the only one that has the command and fetches
  /// events with it.
  private static func integration(
    of params: JSON, in engine: Engine
  ) throws(RequestProblems) -> String? {
    if let connection = params["connection"], !connection.isNull {
      guard let name = connection.string else { return connection["integration"]?.string }
      guard let entry = engine.connections.entries.first(where: { $0.name == name }) else {
        throw RequestProblems(unknownConnection: name, at: "/connection", in: engine)
      }
      return entry.open.connection.definition.integration
    }
    guard let command = params["command"] else { return nil }
    let all = engine.catalogue.integrations.filter { integration in
      integration.command(command)?.metadata.events != nil
    }
    return all.count == 1 ? all[0].id : nil
  }

  private static func object(of params: JSON, _ names: [String]) -> JSON {
    JSONFragment { writer in
      writer.object { writer in
        for member in params.members
        where !member.value.isNull && names.contains(member.name.string ?? "") {
          writer.name(copying: member.name)
          writer.value(member.value)
        }
      }
    }.json
  }

  private static func unknown(in params: JSON) -> RequestProblems {
    InvokeParams.unknown(in: params, names: InvokeParams.memberNames + shape.names)
  }

  static var schema: MessageSchema {
    .closed(
      InvokeParams.members(needsIntegration: false) + [
        .sometimes(
          "every_seconds",
          .bounded(FollowRequest.secondsRange, default: FollowRequest.everySeconds), everyAbout),
        .sometimes(
          "max_unacknowledged",
          .bounded(
            FollowRequest.unacknowledgedRange, default: FollowRequest.maximumUnacknowledged),
          unacknowledgedAbout),
        .sometimes(
          "checkpoint",
          .written { writer in
            writer.member("type", "string")
            writer.member("minLength", 1)
            writer.member("maxLength", FollowRequest.maximumCheckpointCharacters)
          }, checkpointAbout),
      ])
  }
}

struct AcknowledgeParams: ParameterObject {
  static let naming = ParameterShape.Naming.verbatim
  static let shape = ParameterShape(of: AcknowledgeParams.self)
  let id: RequestID
  let sequence: Int64

  init(_ members: inout ParamReader) {
    id = members.required("id", .requestID, "The id of the events/follow request.")
    sequence = members.required(
      "seq", .integer(from: 0, to: .max), "Acknowledges this event and all before it.")
  }
}
