import Basics
import Glibc
import Redaction
import Testing

@testable import RPC

@Suite struct OutputTests {
  @Test func `a closed output is reported by the output thread, since a sender may hold locks`()
    throws
  {
    signal(SIGPIPE, SIG_IGN)
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    close(ends[0])
    let sender = pthread_self()
    let reporter = Monitor<pthread_t?>(nil)
    let output = Output(to: ends[1], limit: InFlightLimit(ConnectionLimits())) { error in
      reporter.withLock { $0 = error == EPIPE ? pthread_self() : sender }
      reporter.notify()
    }
    try output.start()
    output.send(FrameLines(FrameWriter(redactor: Redactor()).notification("ping")))
    let thread = reporter.wait(until: Deadline(inMilliseconds: 30_000)) { $0 }
    #expect(pthread_equal(try #require(thread), sender) == 0)
  }
}
