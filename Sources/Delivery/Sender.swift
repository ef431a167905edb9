import Basics
import HTTP
import RateLimits
import Synchronization

/// The operation that requests are sent for, as far as sending depends on it.
package struct Operation: Sendable {
  /// The command id, which rate limits are looked up by.
  package let id: String
  package let changesSomething: Bool
  /// Whether a repetition has no further effect.
  package let isIdempotent: Bool
  /// The command that shows whether this one was applied.
  package let readBack: String?
  /// The vendor's documented rate limit.
  package let quota: RateQuota?

  package init(
    id: String, changesSomething: Bool, isIdempotent: Bool, readBack: String? = nil,
    quota: RateQuota? = nil
  ) {
    self.id = id
    self.changesSomething = changesSomething
    self.isIdempotent = isIdempotent
    self.readBack = readBack
    self.quota = quota
  }

  /// A sign-in, which gets an access token and changes nothing.
  static let signIn = Operation(id: "sign_in", changesSomething: false, isIdempotent: true)
}

/// The sending half of an invocation: limits, retries and waits within one deadline.
///
/// Not named after its module, since nothing in it could be qualified then.
package final class Sender: Sendable {
  package struct Counters: Sendable {
    package var requests = 0
    package var retries = 0
    package var waitedMilliseconds = 0
    /// Whether an attempt at the current request may have been applied and was followed by another.
    var mayHaveBeenApplied = false
  }

  /// Called before a wait; suspends while the caller reads slowly.
  package typealias WaitNotice =
    @Sendable (_ reason: String, _ resumeAtMilliseconds: Int64) async -> Void

  /// Milliseconds that a sign-in may take. It serves every caller that waits for it, so that no
  /// caller's deadline applies.
  private static let signInMilliseconds = 30_000

  package let operation: Operation
  package let channel: Channel
  /// Moves with waits for rate limits if the caller gave none.
  package let deadline: InvocationDeadline
  let retryPolicy = RetryPolicy()
  let notifyWait: WaitNotice?
  /// Called before a wait for a rate limit: whether the callers that depend on this sender can wait
  /// that long.
  let mayWait: (@Sendable (_ until: MonotonicTime) -> Bool)?
  let gate: (any SendGate)?
  package let observer: (any SendObserver)?
  /// Passed before the first request that may change something; nil if nothing must be done then.
  package let firstSend: FirstSend?
  private let parent: Sender?
  private let ownCounters = Mutex(Counters())

  var time: TimeSource { channel.time }

  package init(
    _ operation: Operation, on channel: Channel, deadline: InvocationDeadline,
    mayWait: (@Sendable (_ until: MonotonicTime) -> Bool)? = nil, notifyWait: WaitNotice? = nil,
    gate: (any SendGate)? = nil, observer: (any SendObserver)? = nil, firstSend: FirstSend? = nil
  ) {
    self.operation = operation
    self.channel = channel
    self.deadline = deadline
    self.mayWait = mayWait
    self.notifyWait = notifyWait
    self.gate = gate
    self.observer = observer
    self.firstSend = firstSend
    parent = nil
  }

  private init(of parent: Sender, _ gate: (any SendGate)?, deadline: InvocationDeadline) {
    operation = parent.operation
    channel = parent.channel
    self.deadline = deadline
    mayWait = parent.mayWait
    notifyWait = parent.notifyWait
    observer = parent.observer
    firstSend = parent.firstSend
    self.gate = parent.gate.map { outer in gate.map { BothGates(outer, $0) } ?? outer } ?? gate
    self.parent = parent
  }

  /// A sender for one of several targets, or a batch of them.
  package func child(sendingThrough gate: (any SendGate)? = nil) -> Sender {
    // The time that a target waits for its start is not taken from its work.
    let own =
      deadline.isGiven ? deadline : InvocationDeadline(partOf: deadline, on: channel.time)
    return Sender(of: self, gate, deadline: own)
  }

  /// A sender for one of several requests of the whole command, within its deadline.
  package func part() -> Sender { Sender(of: self, nil, deadline: deadline) }

  /// The sender of a sign-in. It notifies the observer of the caller that started the flight.
  package static func signIn(
    on channel: Channel, mayWait: (@Sendable (_ until: MonotonicTime) -> Bool)? = nil
  ) -> Sender {
    Sender(
      .signIn, on: channel,
      deadline: InvocationDeadline(
        nil, workMilliseconds: signInMilliseconds, on: channel.time),
      mayWait: mayWait, observer: FlightInterest.current?.observer)
  }

  var isSignIn: Bool { operation.id == Operation.signIn.id }

  // MARK: Counting

  package var counters: Counters { ownCounters.withLock { $0 } }

  /// Adds to the counters of this sender and its parents.
  func count(_ change: (inout Counters) -> Void) {
    ownCounters.withLock { change(&$0) }
    parent?.count(change)
  }

  /// Of targets that wait at the same time, the longest wait counts for the command.
  func countWait(milliseconds: Int) {
    let own = ownCounters.withLock { counters in
      counters.waitedMilliseconds += milliseconds
      return counters.waitedMilliseconds
    }
    parent?.ownCounters.withLock { $0.waitedMilliseconds = max($0.waitedMilliseconds, own) }
  }

  /// Records that an attempt at `request` may have been applied, whatever follows.
  func markMayHaveBeenApplied(_ request: HTTPRequest) {
    if operation.changesSomething && !request.isSideEffectFree {
      ownCounters.withLock { $0.mayHaveBeenApplied = true }
    }
  }
}
