import Glibc
import Synchronization

/// The position of one invocation in a trace (W3C Trace Context): the id of the trace, the id of the
/// invocation's span, and its parent if the caller named one.
package struct TraceContext: Sendable {
  private let high: UInt64
  private let low: UInt64
  private let span: UInt64
  /// 0 for none, which is not a valid id.
  private let parent: UInt64
  /// The flags of level 2: sampled and random.
  private let flags: UInt8

  /// A new trace.
  package init() {
    let (seeds, number) = (Self.seeds, Self.next())
    high = Self.mixed(seeds.high, number)
    low = Self.nonzero(Self.mixed(seeds.low, number))
    span = Self.nonzero(Self.mixed(seeds.span, number))
    parent = 0
    flags = Self.sampled
  }

  /// A span in the trace of `traceparent`. Later versions of the header are read as version 00, as its
  /// specification requires.
  ///
  /// - Returns: nil for an invalid header.
  package init?(traceparent: String) {
    var traceparent = traceparent
    let fields = traceparent.withUTF8 { Self.fields($0) }
    guard let fields else { return nil }
    (high, low, parent) = (fields.high, fields.low, fields.parent)
    flags = fields.flags & (Self.sampled | Self.random)
    span = Self.nonzero(Self.mixed(Self.seeds.span, Self.next()))
  }

  package var isSampled: Bool { flags & Self.sampled != 0 }
  /// 32 hexadecimal digits.
  package var traceID: String { Self.hex(high) + Self.hex(low) }
  /// 16 hexadecimal digits.
  package var spanID: String { Self.hex(span) }
  package var parentSpanID: String? { parent == 0 ? nil : Self.hex(parent) }

  /// The header for what this invocation calls: its span is the parent there.
  package var traceparent: String { "00-\(traceID)-\(spanID)-0\(flags)" }

  /// The id of the trace as two numbers, the more significant one first.
  package var words: (UInt64, UInt64) { (high, low) }

  /// The id of a span below this one, 16 hexadecimal digits.
  package static func newSpanID() -> String { hex(nonzero(mixed(seeds.span, next()))) }

  private static let sampled: UInt8 = 0x01
  private static let random: UInt8 = 0x02

  private static func hex(_ word: UInt64) -> String {
    String(unsafeUninitializedCapacity: 16) { text in
      guard let start = text.baseAddress else { return 0 }
      HexDigits.write(word, to: UnsafeMutableRawPointer(start))
      return 16
    }
  }

  // MARK: Making ids

  /// Random numbers of this process. Ids are made from them and a counter, because a system call for
  /// each invocation would take longer than the rest of a dry run.
  private struct Seeds: Sendable {
    let high: UInt64
    let low: UInt64
    let span: UInt64

    init() {
      var generator = SystemRandomNumberGenerator()
      (high, low, span) = (generator.next(), generator.next(), generator.next())
    }
  }

  private static let seeds = Seeds()
  private static let count = Atomic<UInt64>(0)

  private static func next() -> UInt64 { count.wrappingAdd(1, ordering: .relaxed).newValue }

  /// SplitMix64: different numbers give different ids, which look random.
  private static func mixed(_ seed: UInt64, _ number: UInt64) -> UInt64 {
    var word = seed &+ number &* 0x9E37_79B9_7F4A_7C15
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }

  private static func nonzero(_ word: UInt64) -> UInt64 { word == 0 ? 1 : word }

  // MARK: Reading

  private struct Fields {
    let high: UInt64
    let low: UInt64
    let parent: UInt64
    let flags: UInt8
  }

  /// `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`
  private static func fields(_ text: UnsafeBufferPointer<UInt8>) -> Fields? {
    let length = 55
    guard text.count >= length, [2, 35, 52].allSatisfy({ text[$0] == UInt8(ascii: "-") }),
      let version = number(text[0..<2]), version != 0xFF,
      version == 0
        ? text.count == length : text.count == length || text[length] == UInt8(ascii: "-"),
      let high = number(text[3..<19]), let low = number(text[19..<35]),
      let parent = number(text[36..<52]), let flags = number(text[53..<55]),
      high | low != 0, parent != 0
    else { return nil }
    return Fields(high: high, low: low, parent: parent, flags: UInt8(truncatingIfNeeded: flags))
  }

  /// Nil unless all are lower-case hexadecimal digits.
  private static func number(_ digits: Slice<UnsafeBufferPointer<UInt8>>) -> UInt64? {
    var number: UInt64 = 0
    for digit in digits {
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        number = number << 4 | UInt64(digit - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"):
        number = number << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
      default: return nil
      }
    }
    return number
  }
}
