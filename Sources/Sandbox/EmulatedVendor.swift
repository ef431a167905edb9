import Basics
import HTTPServer
import JSON

/// An emulated vendor: its routes and its data. Each vendor has one directory.
///
/// The sandbox provides faults, log, clock and listener for all vendors. They share one port; the
/// path selects the vendor. Called concurrently.
protocol EmulatedVendor: Sendable {
  var vocabulary: FaultVocabulary { get }
  /// The id of the integration for this vendor.
  var integration: String { get }
  /// The name in the connections file of the sandbox.
  var connectionName: String { get }

  /// - Parameter origin: `http://127.0.0.1:PORT`.
  func connection(origin: String) -> JSONFragment
  /// All connections, the default one first. Most vendors have only one.
  func connections(origin: String) -> [(name: String, connection: JSONFragment)]

  /// The path as fault targets name it; nil if the path does not belong to this vendor.
  func faultPath(of path: String) -> String?
  func isSignIn(_ faultPath: String) -> Bool
  /// The called method, if one path has many methods; otherwise nil.
  func method(of request: HTTPServer.Request) -> String?

  /// - Parameter clock: the vendor's clock.
  func respond(
    to request: HTTPServer.Request, clock: SandboxClock, quirks: Set<VendorQuirk>
  ) -> HTTPServer.Response
  /// The inner requests of a batch request; nil for other requests. Each is processed like a single
  /// request: faults apply to it, and it is logged.
  func batch(in request: HTTPServer.Request) -> VendorBatch?
  /// The vendor's error response for an injected status.
  func errorResponse(_ status: Int, retryAfterSeconds: Int?) -> HTTPServer.Response
  /// The same, in the form that the fault selects with a reason.
  func errorResponse(_ error: InjectedError) -> HTTPServer.Response
  /// Revokes the token in the request, if there is one.
  func revokeToken(of request: HTTPServer.Request)
  /// Restores the initial state. All users are signed out.
  func reset()
}

/// An error response selected by a fault.
struct InjectedError {
  var status: Int
  var isSignIn: Bool
  /// One of the vocabulary's reasons.
  var reason: String?
  var retryAfterSeconds: Int?
  /// Seconds since 1970 on the vendor's clock.
  var now: Int
}

struct VendorBatch {
  let requests: [HTTPServer.Request]
  /// Combines the responses of the requests, in the same order, into one response.
  let join: ([HTTPServer.Response]) -> HTTPServer.Response
}

extension EmulatedVendor {
  func connections(origin: String) -> [(name: String, connection: JSONFragment)] {
    [(connectionName, connection(origin: origin))]
  }

  func batch(in request: HTTPServer.Request) -> VendorBatch? { nil }

  func errorResponse(_ error: InjectedError) -> HTTPServer.Response {
    errorResponse(error.status, retryAfterSeconds: error.retryAfterSeconds)
  }

  func method(of request: HTTPServer.Request) -> String? { nil }
}
