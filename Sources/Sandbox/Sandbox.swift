import Basics
import HTTPServer
import JSON
import Synchronization

/// The emulated vendors: HTTP servers on loopback with state, fault injection and a request log.
/// Everything can be tried without a vendor account.
///
/// Written from the vendors' documentation, never from the integrations: shared code would share
/// misunderstandings.
///
/// Tests control a running sandbox with its `/_sandbox/` routes (see `Control`).
package final class Sandbox: Sendable {
  /// The words of fault texts.
  static let vocabularies = [CODA.vocabulary, GravityZone.vocabulary, Gmail.vocabulary]

  /// The first vendor that owns the path handles a request. CODA owns all paths below `/api/`.
  private let vendors: [any EmulatedVendor]
  private let clock = SandboxClock()
  private let state: Mutex<State>

  private struct State {
    var server: HTTPServer?
    var log = RequestLog()
    var faults: FaultSchedule
  }

  /// Cheap: the data of a vendor is created by its first request.
  ///
  /// - Parameter codaTokenLifetimes: lifetimes for CODA Footprint; by default the vendor's.
  package init(
    faults: [SandboxFault] = [], codaTokenLifetimes: TokenLifetimes = TokenLifetimes()
  ) {
    vendors = [Gmail(), GravityZone(), CODA(lifetimes: codaTokenLifetimes)]
    state = Mutex(State(faults: FaultSchedule(faults)))
  }

  /// Listens on 127.0.0.1. Requests are served as soon as this returns. The sandbox stays alive
  /// until `stop()`, even without references.
  ///
  /// - Parameter port: 0 for any free port.
  /// - Returns: the port.
  /// - Precondition: the sandbox is not running.
  @discardableResult
  package func start(port: UInt16 = 0) throws(SandboxError) -> UInt16 {
    precondition(state.withLock { $0.server == nil }, "the sandbox is already running")
    do {
      let server = try HTTPServer(port: port) { [self] request in handle(request) }
      state.withLock { $0.server = server }
      return server.port
    } catch {
      throw .cannotListen(port: port, error)
    }
  }

  /// Closes the listener and all connections. A second call has no effect.
  package func stop() {
    let server: HTTPServer? = state.withLock { state in
      defer { state.server = nil }
      return state.server
    }
    server?.stop()
  }

  // MARK: Connections

  /// The content of a connections file with all connections to the emulated vendors,
  /// `{"connections":{"coda_sandbox":{"integration":"coda_footprint","settings":{…}}}}`.
  ///
  /// - Precondition: the sandbox is running.
  package var connections: JSONFragment { connections { $0.connections(origin: $1) } }

  /// The same with one connection per vendor, so that commands need not name a connection.
  ///
  /// - Parameter integrations: the ids of the integrations to include.
  /// - Precondition: the sandbox is running.
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

  /// A connection, `{"integration":…,"settings":{…,"api_profile":"current"}}`, to the same CODA
  /// tenant with the vendor's current API, which is below the path `/current`.
  ///
  /// - Precondition: the sandbox is running.
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

  private func handle(_ request: HTTPServer.Request) -> HTTPServer.Response {
    if let command = Control(request) { return control(command) }
    for vendor in vendors {
      guard let faultPath = vendor.faultPath(of: request.path) else { continue }
      let method = vendor.method(of: request)
      let isSignIn = vendor.isSignIn(faultPath)
      let injected = state.withLock { state in
        state.faults.apply(
          vendor.vocabulary.name, isSignIn: isSignIn, verb: request.method,
          faultPath: faultPath, method: method)
      }
      let response = handle(request, by: vendor, isSignIn: isSignIn, injecting: injected)
      state.withLock { $0.log.add(request, response) }
      return response
    }
    return .text(404, "no emulated vendor has this path\n")
  }

  private func handle(
    _ request: HTTPServer.Request, by vendor: any EmulatedVendor, isSignIn: Bool,
    injecting injected: FaultSchedule.InjectedFaults
  ) -> HTTPServer.Response {
    func respond() -> HTTPServer.Response {
      if let batch = vendor.batch(in: request) { return batch.join(batch.requests.map(handle)) }
      return vendor.respond(to: request, clock: clock, quirks: injected.quirks)
    }
    var response: HTTPServer.Response
    switch injected.effect {
    case nil, .slow, .quirk: response = respond()
    case .status(let status, let reason):
      response = vendor.errorResponse(
        InjectedError(
          status: status, isSignIn: isSignIn, reason: reason,
          retryAfterSeconds: injected.retryAfterSeconds, now: clock.now))
    case .expiredToken:
      vendor.revokeToken(of: request)
      response = respond()
    case .dropBody:
      // The vendor processes the request; only its response is lost.
      response = respond()
      response.delivery = .droppedHalfway
    case .reset:
      response = HTTPServer.Response(200)
      response.delivery = .reset
    case .garbage:
      response = .html(200, "<!doctype html><title>Sign in</title><p>{\"items\": [{\"id\": 1,")
    }
    response.delayMilliseconds += injected.delayMilliseconds
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
    case .rejected(let response): return response
    }
  }
}

/// Lifetimes of the tokens that an emulated vendor issues.
package struct TokenLifetimes: Sendable {
  package var accessSeconds: Int
  package var refreshSeconds: Int

  package init(accessSeconds: Int = 300, refreshSeconds: Int = 86_400) {
    self.accessSeconds = accessSeconds
    self.refreshSeconds = refreshSeconds
  }
}
