import Basics
import HTTPServer
import JSON
import Synchronization

/// The emulated vendors: real HTTP on loopback, with state, faults and a log of what they were
/// asked, so that everything can be tried without an account.
///
/// Written from the vendors' contracts, never from the integrations: an emulation that shared
/// code with its client would share its misunderstandings.
///
/// Tests steer a running sandbox over its `/_sandbox/` routes (see `Control`).
package final class Sandbox: Sendable {
  /// What fault texts can say.
  static let vocabularies = [CODA.vocabulary, GravityZone.vocabulary, Gmail.vocabulary]

  /// A request goes to the first that knows its path; CODA takes whatever starts with `/api/`.
  private let vendors: [any EmulatedVendor]
  private let clock = SandboxClock()
  private let state: Mutex<State>

  private struct State {
    var server: HTTPServer?
    var log = RequestLog()
    var faults: FaultSchedule
  }

  /// Cheap: the emulated data is made on the first request that needs it.
  ///
  /// - Parameter codaTokenLifetimes: of CODA Footprint; the defaults are the vendor's.
  package init(
    faults: [SandboxFault] = [], codaTokenLifetimes: TokenLifetimes = TokenLifetimes()
  ) {
    vendors = [Gmail(), GravityZone(), CODA(lifetimes: codaTokenLifetimes)]
    state = Mutex(State(faults: FaultSchedule(faults)))
  }

  /// Listens on 127.0.0.1; requests are answered when this returns. The sandbox then lives until
  /// `stop()`, whether it is still referred to or not.
  ///
  /// - Parameter port: 0 for any free one.
  /// - Returns: the port.
  /// - Precondition: it is not running.
  @discardableResult
  package func start(port: UInt16 = 0) throws(SandboxError) -> UInt16 {
    precondition(state.withLock { $0.server == nil }, "the sandbox is running already")
    do {
      let server = try HTTPServer(port: port) { [self] request in answer(request) }
      state.withLock { $0.server = server }
      return server.port
    } catch {
      throw .cannotListen(port: port, error)
    }
  }

  /// Closes the listener and every connection. A second call does nothing.
  package func stop() {
    let server: HTTPServer? = state.withLock { state in
      defer { state.server = nil }
      return state.server
    }
    server?.stop()
  }

  // MARK: Connections

  /// The value of a connections file: every way into the emulated vendors,
  /// `{"connections":{"coda_sandbox":{"integration":"coda_footprint","settings":{…}}}}`.
  ///
  /// - Precondition: it is running.
  package var connections: JSONFragment { connections { $0.connections(origin: $1) } }

  /// The same with one connection for each vendor, so that commands need not name theirs.
  ///
  /// - Parameter integrations: the ids of those that are wanted.
  /// - Precondition: it is running.
  package func oneConnection(ofEach integrations: Set<String>) -> JSONFragment {
    connections { vendor, origin in
      integrations.contains(vendor.integration)
        ? Array(vendor.connections(origin: origin).prefix(1)) : []
    }
  }

  private func connections(
    _ offered: (any EmulatedVendor, String) -> [(name: String, connection: JSONFragment)]
  ) -> JSONFragment {
    let origin = self.origin
    return JSONFragment { writer in
      writer.object { writer in
        writer.name("connections")
        writer.object { writer in
          for vendor in vendors {
            for (name, connection) in offered(vendor, origin) {
              writer.name(text: name)
              writer.value(connection)
            }
          }
        }
      }
    }
  }

  /// One connection, `{"integration":…,"settings":{…,"api_profile":"current"}}`: the same
  /// CODA tenant through the vendor's later API, which listens under the path `/current`.
  ///
  /// - Precondition: it is running.
  package var currentProfileConnection: JSONFragment {
    CODA.connection(origin: origin, .current)
  }

  /// `http://127.0.0.1:PORT`.
  private var origin: String {
    guard let port = state.withLock({ $0.server?.port }) else {
      preconditionFailure("the sandbox is not running")
    }
    return "http://127.0.0.1:\(port)"
  }

  // MARK: Requests

  private func answer(_ request: HTTPServer.Request) -> HTTPServer.Response {
    if let command = Control(request) { return control(command) }
    for vendor in vendors {
      guard let place = vendor.place(of: request.path) else { continue }
      let method = vendor.method(of: request)
      let isSignIn = vendor.isSignIn(place)
      let strike = state.withLock { state in
        state.faults.strike(
          vendor.vocabulary.name, isSignIn: isSignIn, verb: request.method,
          place: place, method: method)
      }
      let response = answer(request, by: vendor, isSignIn: isSignIn, struck: strike)
      state.withLock { $0.log.add(request, response) }
      return response
    }
    return .text(404, "no emulated vendor has this path\n")
  }

  private func answer(
    _ request: HTTPServer.Request, by vendor: any EmulatedVendor, isSignIn: Bool,
    struck strike: FaultSchedule.Strike
  ) -> HTTPServer.Response {
    func respond() -> HTTPServer.Response {
      if let batch = vendor.batch(in: request) { return batch.join(batch.requests.map(answer)) }
      return vendor.respond(to: request, clock: clock, habits: strike.habits)
    }
    var response: HTTPServer.Response
    switch strike.effect {
    case nil, .slow, .habit: response = respond()
    case .status(let status, let reason):
      response = vendor.refusal(
        VendorRefusal(
          status: status, isSignIn: isSignIn, reason: reason,
          retryAfterSeconds: strike.retryAfterSeconds, now: clock.now))
    case .expiredToken:
      vendor.revokeToken(of: request)
      response = respond()
    case .dropBody:
      // The vendor has acted; only its answer is lost.
      response = respond()
      response.delivery = .droppedHalfway
    case .reset:
      response = HTTPServer.Response(200)
      response.delivery = .reset
    case .garbage:
      response = .html(200, "<!doctype html><title>Sign in</title><p>{\"items\": [{\"id\": 1,")
    }
    response.delayMilliseconds += strike.delayMilliseconds
    return response
  }

  private func control(_ command: Control) -> HTTPServer.Response {
    switch command {
    case .log: return .json(200, state.withLock { $0.log }.json)
    case .connections: return .json(200, connections)
    case .reset:
      for vendor in vendors { vendor.reset() }
      state.withLock { state in
        state.log = RequestLog()
        state.faults.restart()
      }
      clock.reset()
      return .json(200, JSONFragment { $0.object { _ in } })
    case .faults(let faults):
      state.withLock { $0.faults = FaultSchedule(faults) }
      return .json(
        200, JSONFragment { $0.array { for fault in faults { $0.string(fault.description) } } })
    case .advanceClock(let seconds):
      clock.advance(seconds: seconds)
      return .json(200, JSONFragment { $0.object { $0.member("advanced_seconds", seconds) } })
    case .refused(let response): return response
    }
  }
}

/// How long what an emulated vendor hands out at sign-in is good for.
package struct TokenLifetimes: Sendable {
  package var accessSeconds: Int
  package var refreshSeconds: Int

  package init(accessSeconds: Int = 300, refreshSeconds: Int = 86_400) {
    self.accessSeconds = accessSeconds
    self.refreshSeconds = refreshSeconds
  }
}
