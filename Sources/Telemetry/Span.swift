import Basics
import Glibc

/// A span of OpenTelemetry: one invocation, or one HTTP request for it.
package struct Span: Sendable {
  /// The values of `SpanKind` of its protocol.
  package enum Kind: Int, Sendable {
    case server = 2
    case client = 3
  }

  package enum Value: Sendable {
    case text(String)
    case integer(Int)
    case boolean(Bool)
  }

  package struct Attribute: Sendable {
    let name: StaticString
    let value: Value

    package init(_ name: StaticString, _ value: Value) {
      self.name = name
      self.value = value
    }

    package init(_ name: StaticString, _ text: String) { self.init(name, .text(text)) }
    package init(_ name: StaticString, _ number: Int) { self.init(name, .integer(number)) }
    package init(_ name: StaticString, _ isTrue: Bool) { self.init(name, .boolean(isTrue)) }
  }

  package struct Event: Sendable {
    let name: StaticString
    /// Since 1970.
    let nanoseconds: Int64
    let attributes: [Attribute]

    package init(_ name: StaticString, atNanoseconds nanoseconds: Int64, _ attributes: [Attribute])
    {
      self.name = name
      self.nanoseconds = nanoseconds
      self.attributes = attributes
    }
  }

  /// Maximum number of events of a span. Further ones are counted.
  package static let maximumEvents = 128

  let traceID: String
  let spanID: String
  let parentSpanID: String?
  /// Whether the parent is in another process.
  let hasRemoteParent: Bool
  let name: String
  let kind: Kind
  /// Since 1970.
  let startNanoseconds: Int64
  let endNanoseconds: Int64
  package var attributes: [Attribute]
  package var events: [Event] = []
  package var droppedEvents = 0
  package var isError = false

  package init(
    traceID: String, spanID: String, parentSpanID: String?, hasRemoteParent: Bool, name: String,
    _ kind: Kind, fromNanoseconds start: Int64, toNanoseconds end: Int64,
    attributes: [Attribute]
  ) {
    self.traceID = traceID
    self.spanID = spanID
    self.parentSpanID = parentSpanID
    self.hasRemoteParent = hasRemoteParent
    self.name = name
    self.kind = kind
    startNanoseconds = start
    endNanoseconds = end
    self.attributes = attributes
  }

  /// Its memory in bytes, about; more than its length as JSON.
  var bytes: Int {
    func size(_ attributes: [Attribute]) -> Int {
      attributes.reduce(0) { sum, attribute in
        guard case .text(let text) = attribute.value else { return sum + 96 }
        return sum + 96 + text.utf8.count
      }
    }
    return 512 + name.utf8.count + size(attributes)
      + events.reduce(0) { $0 + 128 + size($1.attributes) }
  }
}

/// Converts monotonic times to times of day. One for all spans of an invocation, so that a correction of
/// the clock does not tear them apart.
package struct SpanClock: Sendable {
  private let offsetNanoseconds: Int64

  package init() {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    offsetNanoseconds =
      Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec) - MonotonicTime.now.nanoseconds
  }

  /// Nanoseconds since 1970.
  package func nanoseconds(_ time: MonotonicTime) -> Int64 { time.nanoseconds + offsetNanoseconds }
}
