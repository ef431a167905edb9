import Basics
import Delivery
import Testing

@Suite struct InvocationDeadlineTests {
  private let now = MonotonicTime.now

  private func at(_ milliseconds: Int) -> MonotonicTime { now.adding(milliseconds: milliseconds) }

  @Test func `a given deadline is fixed, and a wait must leave room for a request`() {
    let deadline = InvocationDeadline(Deadline(at: at(1_000)))
    #expect(deadline.allows(waitUntil: at(949), now: now))
    #expect(!deadline.allows(waitUntil: at(950), now: now))
    #expect(!deadline.allows(waitUntil: at(1_000), now: now))
    #expect(deadline.allows(waitUntil: at(2_000), now: at(2_000)), "that is no wait")
    deadline.extend(pastWaitUntil: at(999))
    #expect(deadline.current.time == at(1_000))
  }

  @Test func `no wait lasts longer than an hour, whatever the deadline`() {
    for deadline in [InvocationDeadline(Deadline(at: at(86_400_000))), InvocationDeadline(nil)] {
      #expect(deadline.allows(waitUntil: at(3_600_250), now: now))
      #expect(!deadline.allows(waitUntil: at(3_600_251), now: now))
    }
  }

  @Test func `without a given one, the whole time for the work follows the latest wait`() {
    let deadline = InvocationDeadline(nil)
    #expect(deadline.current.time >= at(60_000))
    deadline.extend(pastWaitUntil: at(500_000))
    deadline.extend(pastWaitUntil: at(300_000))
    #expect(deadline.current.time == at(560_000))
  }

  @Test func `a waiter for another invocation waits as long, unless its deadline was given`() {
    let (first, given) = (InvocationDeadline(nil), InvocationDeadline(Deadline(at: at(5))))
    let patient = InvocationDeadline(nil)
    first.extend(pastWaitUntil: at(500_000))
    #expect(patient.orLater(first).time == at(560_000))
    #expect(given.orLater(first).time == at(5))
    #expect(patient.orLater(given).time == patient.current.time)
  }
}
