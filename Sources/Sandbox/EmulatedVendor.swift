import Basics
import HTTPServer
import JSON

/// One vendor of the sandbox: its routes and its data. Each is one folder.
///
/// Faults, the log, the clock and the listener are the sandbox's, shared by all vendors, which
/// listen on one port and tell their requests by path. Called from many threads at once.
protocol EmulatedVendor: Sendable {
  var vocabulary: FaultVocabulary { get }
  /// The id of the integration that the vendor is for.
  var integration: String { get }
  /// In the connections file that the sandbox offers.
  var connectionName: String { get }

  /// - Parameter origin: `http://127.0.0.1:PORT`.
  func connection(origin: String) -> JSONFragment
  /// All that are offered, that one first; most vendors have no other.
  func connections(origin: String) -> [(name: String, connection: JSONFragment)]

  /// The path as faults name it, or nil when it is not this vendor's.
  func place(of path: String) -> String?
  func isSignIn(_ place: String) -> Bool
  /// What the request calls, where one path has many methods; else nil.
  func method(of request: HTTPServer.Request) -> String?

  /// - Parameter clock: the vendor's.
  func respond(
    to request: HTTPServer.Request, clock: SandboxClock, habits: Set<VendorHabit>
  ) -> HTTPServer.Response
  /// The requests inside of one that carries many; nil for any other. Each is then answered as if
  /// it had come alone: faults hit it, and the log shows it.
  func batch(in request: HTTPServer.Request) -> VendorBatch?
  /// How this vendor words a status that a fault chose.
  func refusal(_ status: Int, retryAfterSeconds: Int?) -> HTTPServer.Response
  /// The same, in the form that the fault asks for with a word of the vocabulary.
  func refusal(_ refusal: VendorRefusal) -> HTTPServer.Response
  /// Ends the life of the token that the request carries, if it carries one.
  func revokeToken(of request: HTTPServer.Request)
  /// Everything as it was at the start; nobody is signed in.
  func reset()
}

/// A refusal that a fault chose.
struct VendorRefusal {
  var status: Int
  var isSignIn: Bool
  /// One of the vocabulary's reasons.
  var reason: String?
  var retryAfterSeconds: Int?
  /// In seconds since 1970, on the vendor's clock.
  var now: Int
}

struct VendorBatch {
  let requests: [HTTPServer.Request]
  /// The one answer that the answers to the requests make, which come in the same order.
  let join: ([HTTPServer.Response]) -> HTTPServer.Response
}

extension EmulatedVendor {
  func connections(origin: String) -> [(name: String, connection: JSONFragment)] {
    [(connectionName, connection(origin: origin))]
  }

  func batch(in request: HTTPServer.Request) -> VendorBatch? { nil }

  func refusal(_ refusal: VendorRefusal) -> HTTPServer.Response {
    self.refusal(refusal.status, retryAfterSeconds: refusal.retryAfterSeconds)
  }

  func method(of request: HTTPServer.Request) -> String? { nil }
}
