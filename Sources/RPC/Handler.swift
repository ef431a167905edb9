import JSON

/// Answers the calls of one protocol on a connection.
///
/// All functions are called on the reading thread, in the order of the lines. They must not block,
/// except where `Reply` says so.
package protocol Handler: AnyObject {
  /// Whether the call is one of this handler's. The first handler of a connection also answers calls
  /// that none takes.
  func takes(_ call: Call) -> Bool
  /// Answers a call, now or later. The token proves that it did so exactly once.
  func handle(_ call: Call, _ reply: consuming Reply) -> Answered
  /// Takes a response to a request of the host.
  ///
  /// - Returns: false if no request of this handler waits for it.
  func handle(response: JSON) -> Bool
  /// The input has ended: no responses and no further calls will come.
  func inputEnded()
  /// Whether an error without a known id omits the member instead of sending null.
  var omitsUnknownID: Bool { get }
}

extension Handler {
  package func handle(response: JSON) -> Bool { false }
  package func inputEnded() {}
  package var omitsUnknownID: Bool { false }
}

/// Proof that a call was answered, or will be. Only `Reply` makes one.
package struct Answered: ~Copyable {
  init() {}
}
