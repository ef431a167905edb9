import Basics
import Delivery
import JSON

/// How the time of an invocation was spent, in nanoseconds. Parallel requests add up, so that the sum
/// may exceed the duration.
package struct SpentTimes: Sendable {
  /// Until it started, for slots of the connection, and for memory.
  package var queue: Int64 = 0
  package var signIn: Int64 = 0
  package var rateLimit: Int64 = 0
  package var backOff: Int64 = 0
  /// HTTP requests.
  package var vendor: Int64 = 0
  /// In the program of a plugin, without its HTTP requests.
  package var plugin: Int64 = 0

  var sum: Int64 { queue + signIn + rateLimit + backOff + vendor + plugin }

  mutating func add(_ wait: SendWait) {
    let time = wait.end.nanoseconds - wait.start.nanoseconds
    switch wait.reason {
    case .queue: queue += time
    case .signIn, .secret: signIn += time
    case .rateLimit: rateLimit += time
    case .backOff: backOff += time
    }
  }

  /// Writes an object of the members that are not 0, in milliseconds, after `name`; nothing if all are.
  func write(_ name: StaticString, to writer: inout JSONWriter) {
    guard sum >= Self.half else { return }
    writer.name(name)
    writer.openObject()
    Self.write("queue", queue, to: &writer)
    Self.write("sign_in", signIn, to: &writer)
    Self.write("rate_limit", rateLimit, to: &writer)
    Self.write("back_off", backOff, to: &writer)
    Self.write("vendor", vendor, to: &writer)
    Self.write("plugin", plugin, to: &writer)
    writer.closeObject()
  }

  private static let half: Int64 = 500_000

  private static func write(
    _ name: StaticString, _ nanoseconds: Int64, to writer: inout JSONWriter
  ) {
    if nanoseconds >= half { writer.member(name, milliseconds(nanoseconds)) }
  }

  /// Rounded to the nearest, so that the rounded parts add up.
  package static func milliseconds(_ nanoseconds: Int64) -> Int {
    Int((nanoseconds + half) / (2 * half))
  }
}
