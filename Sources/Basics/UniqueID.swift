import Glibc
import Synchronization

/// Universally unique identifiers (RFC 9562, version 4: random).
public enum UniqueID {
  /// Random bytes of the system, read for many identifiers at a time: a system call for each took a
  /// sixth of the time of a dry run.
  private struct Pool {
    /// The most that getentropy(3) gives at a time: 256 bytes.
    private static let words = 32
    private var random: [UInt64] = []

    mutating func next() -> UInt64 {
      if random.isEmpty { refill() }
      return random.removeLast()
    }

    private mutating func refill() {
      random = [UInt64](repeating: 0, count: Self.words)
      if getentropy(&random, Self.words * MemoryLayout<UInt64>.size) == 0 { return }
      var generator = SystemRandomNumberGenerator()
      for position in random.indices { random[position] = generator.next() }
    }
  }

  private static let pool = Mutex(Pool())

  /// For example `3f2b8c1e-9d4a-4c6f-8b1a-0e5d7c9a2f34`.
  public static func make() -> String {
    var (first, second) = pool.withLock { ($0.next(), $0.next()) }
    first = first & ~0xF000 | 0x4000
    second = second & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
    return String(unsafeUninitializedCapacity: 36) { text in
      var at = 0
      for position in 0..<16 {
        if position == 4 || position == 6 || position == 8 || position == 10 {
          text[at] = UInt8(ascii: "-")
          at += 1
        }
        let word = position < 8 ? first : second
        let byte = UInt8(truncatingIfNeeded: word >> UInt64(8 * (7 - (position & 7))))
        text[at] = digit(byte >> 4)
        text[at + 1] = digit(byte & 0xF)
        at += 2
      }
      return at
    }
  }

  @inline(__always)
  private static func digit(_ value: UInt8) -> UInt8 {
    value &+ UInt8(ascii: "0") &+ (value > 9 ? UInt8(ascii: "a") - UInt8(ascii: "0") - 10 : 0)
  }
}
