import Basics

/// Decides whether one of several senders may send now.
package protocol SendGate: Sendable {
  /// Called before each attempt.
  func enter() -> SendPermit
  /// Called after each attempt.
  ///
  /// - Parameter status: of the response; nil if none arrived.
  func leave(status: Int?)
}

package enum SendPermit: Sendable {
  case proceed
  /// Nothing more may be sent.
  case stop
  /// Call `enter` again after the signal.
  case wait(Latch)
}
