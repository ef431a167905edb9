import Basics
import HTTPServer

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

  /// The path as faults name it, or nil when it is not this vendor's.
  func place(of path: String) -> String?
  func isSignIn(_ place: String) -> Bool
  /// What the request calls, where one path has many methods; else nil.
  func method(of request: HTTPServer.Request) -> String?

  /// - Parameter clock: the vendor's.
  func respond(
    to request: HTTPServer.Request, clock: SandboxClock, habits: Set<VendorHabit>
  ) -> HTTPServer.Response
  /// How this vendor words a status that a fault chose.
  func refusal(_ status: Int, retryAfterSeconds: Int?) -> HTTPServer.Response
  /// Ends the life of the token that the request carries, if it carries one.
  func revokeToken(of request: HTTPServer.Request)
  /// Everything as it was at the start; nobody is signed in.
  func reset()
}

extension EmulatedVendor {
  func method(of request: HTTPServer.Request) -> String? { nil }
}
