import Basics
import HTTPServer

/// One vendor of the sandbox: its routes and its data. Each is one folder.
///
/// Faults, the log, the clock and the listener are the sandbox's, shared by all vendors, which
/// listen on one port and tell their requests by path. Called from many threads at once.
protocol EmulatedVendor: Sendable {
  /// What its fault texts start with; with `-auth`, those about signing in.
  var faultWord: String { get }
  /// In the connections file that the sandbox offers.
  var connectionName: String { get }

  /// - Parameter origin: `http://127.0.0.1:PORT`.
  func connection(origin: String) -> JSONFragment

  /// The path as faults name it, or nil when it is not this vendor's.
  func place(of path: String) -> String?
  func isSignIn(_ place: String) -> Bool

  /// - Parameter now: the vendor's clock, in seconds since 1970.
  func respond(to request: HTTPServer.Request, now: Int) -> HTTPServer.Response
  /// How this vendor words a status that a fault chose.
  func refusal(_ status: Int, retryAfterSeconds: Int?) -> HTTPServer.Response
  /// Ends the life of the token that the request carries, if it carries one.
  func revokeToken(of request: HTTPServer.Request)
  /// Everything as it was at the start; nobody is signed in.
  func reset()
}
