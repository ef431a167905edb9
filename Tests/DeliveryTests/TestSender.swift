import Basics
import Delivery
import HTTP
import RateLimits
import Redaction
import TestSupport

/// The network of one connection, in memory, on a clock that the test advances.
struct TestNetwork {
  let clock = TestClock()
  let transport: ScriptedTransport
  let limiter: RateLimiter
  let channel: Channel

  init(
    _ transport: ScriptedTransport = ScriptedTransport(statuses: 200),
    limits: [String: RateLimit] = [:], concurrency: Int? = nil,
    secrets: Redactor = Redactor()
  ) {
    self.transport = transport
    limiter = RateLimiter(limits, on: clock.source)
    channel = Channel(
      transport: transport, route: TransportRoute(), limiter: limiter,
      concurrency: ConcurrencyLimit(concurrency), secrets: secrets, time: clock.source)
  }

  /// - Parameter milliseconds: of a given deadline; nil for none.
  func sender(
    _ operation: Operation = .read, milliseconds: Int? = nil,
    notifyWait: Sender.WaitNotice? = nil, observer: (any SendObserver)? = nil
  ) -> Sender {
    Sender(
      operation, on: channel,
      deadline: InvocationDeadline(
        milliseconds.map { clock.source.deadline(inMilliseconds: $0) }, on: clock.source),
      notifyWait: notifyWait, observer: observer)
  }
}

extension Operation {
  static let read = Operation(id: "list_devices", changesSomething: false, isIdempotent: true)
  static let write = Operation(
    id: "create_group", changesSomething: true, isIdempotent: false, readBack: "list_groups")
  static let idempotentWrite = Operation(
    id: "set_label", changesSomething: true, isIdempotent: true, readBack: "list_devices")
}

extension HTTPRequest {
  static var sample: HTTPRequest { HTTPRequest(.get, "http://vendor.example/") }
}
