import JSON

/// Handles the calls of one protocol on a connection.
///
/// All functions are called on the reading thread, in the order of the lines. They must not block,
/// except in the functions of `Reply` that are documented to block.
package protocol Handler: AnyObject {
  /// Whether this handler takes the call. The first handler of a connection also gets the calls that
  /// no handler takes.
  func takes(_ call: Call) -> Bool
  /// Whether a call must wait for something that is not ready, and would block the reading thread. Other calls
  /// are handled first. The connection repeats the question after `Connection.callsMayBeReady`.
  ///
  /// - Parameter isBehindOthers: whether earlier calls wait, which the call may depend on.
  func mustWait(_ call: Call, isBehindOthers: Bool) -> Bool
  /// Responds to a call, now or later. The token proves that there is exactly one response.
  func handle(_ call: Call, _ reply: consuming Reply) -> Answered
  /// Handles a response to a request of the host.
  ///
  /// - Returns: false if it belongs to no pending request of this handler.
  func handle(response: JSON) -> Bool
  /// The error of a call that gets no response of this handler.
  ///
  /// - Parameter params: nil if they are no longer known.
  func error(_ refusal: Refusal, of method: String, _ params: JSON?) -> RPCError
  /// The input is at EOF: there are no further calls or responses.
  func inputEnded()
  /// Whether an error without a known id omits the member instead of sending null.
  var omitsUnknownID: Bool { get }
}

extension Handler {
  package func mustWait(_ call: Call, isBehindOthers: Bool) -> Bool { false }
  package func handle(response: JSON) -> Bool { false }
  package func inputEnded() {}
  package var omitsUnknownID: Bool { false }
}

/// Proof that a call has a response or will have one. Only `Reply` creates it.
package struct Answered: ~Copyable {}
