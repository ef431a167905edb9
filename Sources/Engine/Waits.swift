import Basics
import IntegrationKit
import JSON
import Synchronization

/// The invocations of a host that wait for a rate limit or before a retry, for those who watch it.
package final class Waits: Sendable {
  package enum Reason: Sendable {
    case rateLimit, retry
  }

  /// Waits with the same reason.
  package struct Summary: Sendable {
    package var count = 0
    /// Milliseconds since 1970, of the one that ends last.
    package var endMilliseconds: Int64 = 0
  }

  private struct Wait: Sendable {
    let reason: Reason
    let endMilliseconds: Int64
  }

  /// By invocation. A wait that has ended stays until the invocation waits again or ends.
  private let waits = Mutex<[ObjectIdentifier: Wait]>([:])

  package init() {}

  package func summary(_ reason: Reason) -> Summary {
    let now = WallClock.nowMilliseconds
    return waits.withLock { waits in
      waits.values.reduce(into: Summary()) { summary, wait in
        guard wait.reason == reason, wait.endMilliseconds > now else { return }
        summary.count += 1
        summary.endMilliseconds = max(summary.endMilliseconds, wait.endMilliseconds)
      }
    }
  }

  fileprivate func set(_ wait: (Reason, Int64)?, of invocation: WatchedEvents) {
    waits.withLock {
      $0[ObjectIdentifier(invocation)] = wait.map { Wait(reason: $0, endMilliseconds: $1) }
    }
  }
}

/// The events of one invocation, whose waits are noted.
final class WatchedEvents: InvocationEvents {
  private let waits: Waits
  private let inner: (any InvocationEvents)?

  init(_ inner: (any InvocationEvents)?, noting waits: Waits) {
    self.inner = inner
    self.waits = waits
  }

  func items(_ items: [JSON]) async { await inner?.items(items) }

  func progress(done: Int, total: Int) async { await inner?.progress(done: done, total: total) }

  func waiting(reason: String, resumeAtMilliseconds: Int64) async {
    waits.set((reason == "rate_limited" ? .rateLimit : .retry, resumeAtMilliseconds), of: self)
    await inner?.waiting(reason: reason, resumeAtMilliseconds: resumeAtMilliseconds)
  }

  /// The invocation has ended.
  func end() { waits.set(nil, of: self) }
}
