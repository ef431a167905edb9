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
  case wait(Latch, for: SendWait.Reason)
}

/// A gate behind another one, which must have no use for `leave`.
struct BothGates: SendGate {
  private let outer: any SendGate
  private let inner: any SendGate

  init(_ outer: any SendGate, _ inner: any SendGate) { (self.outer, self.inner) = (outer, inner) }

  func enter() -> SendPermit {
    let permit = outer.enter()
    // The outer one counts nothing, so it may admit a request without effect.
    if case .proceed = permit { return inner.enter() }
    return permit
  }

  func leave(status: Int?) {
    inner.leave(status: status)
    outer.leave(status: status)
  }
}
