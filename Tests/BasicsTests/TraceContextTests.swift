import Basics
import Testing

private let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
private let span = "00f067aa0ba902b7"

@Suite struct TraceContextTests {
  @Test func `a header is the parent`() throws {
    let context = try #require(TraceContext(traceparent: "00-\(trace)-\(span)-01"))
    #expect(context.traceID == trace)
    #expect(context.parentSpanID == span)
    #expect(context.spanID != span)
    #expect(context.isSampled)
    #expect(context.traceparent == "00-\(trace)-\(context.spanID)-01")
  }

  @Test(arguments: [("00", "00"), ("01", "01"), ("02", "02"), ("ff", "03"), ("fe", "02")])
  func `only known flags are passed on`(given: String, sent: String) throws {
    let context = try #require(TraceContext(traceparent: "00-\(trace)-\(span)-\(given)"))
    #expect(context.traceparent.hasSuffix("-\(sent)"))
    #expect(context.isSampled == (given == "01" || given == "ff"))
  }

  @Test(arguments: ["01", "cc", "fe"])
  func `later versions may have more fields`(version: String) {
    let header = "\(version)-\(trace)-\(span)-01"
    #expect(TraceContext(traceparent: header)?.traceID == trace)
    #expect(TraceContext(traceparent: header + "-more")?.traceID == trace)
    #expect(TraceContext(traceparent: header + "more") == nil)
  }

  @Test(arguments: [
    "", "00", "00-\(trace)-\(span)-01-", "00-\(trace)-\(span)-0", "ff-\(trace)-\(span)-01",
    "00-\(trace.uppercased())-\(span)-01", "00-\(trace)-\(span.uppercased())-01",
    "00-00000000000000000000000000000000-\(span)-01", "00-\(trace)-0000000000000000-01",
    "00-\(trace)-\(span)-0g", "00_\(trace)_\(span)_01", "é0-\(trace)-\(span)-1",
  ])
  func `an invalid header is refused`(header: String) {
    #expect(TraceContext(traceparent: header) == nil)
  }

  @Test func `new traces differ`() {
    let contexts = (0..<10_000).map { _ in TraceContext() }
    #expect(Set(contexts.map(\.traceID)).count == contexts.count)
    #expect(Set(contexts.map(\.spanID)).count == contexts.count)
    for context in contexts.prefix(100) {
      #expect(context.parentSpanID == nil)
      #expect(TraceContext(traceparent: context.traceparent)?.traceID == context.traceID)
    }
  }
}
