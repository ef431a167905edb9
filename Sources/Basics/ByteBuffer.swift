import Glibc

/// A growable, append-only byte buffer.
///
/// An array checks for shared storage on every append, which makes small appends slow. This buffer
/// cannot be copied, so its storage is never shared. Appends are inlined into other modules: most are
/// short texts of known length, which then need no call.
public struct ByteBuffer: ~Copyable, @unchecked Sendable {
  // @unchecked: the buffer is the only owner of its memory.
  @usableFromInline var base: UnsafeMutablePointer<UInt8>
  @usableFromInline var capacity: Int
  @usableFromInline var used = 0

  public init(capacity: Int) {
    self.capacity = max(capacity, 16)
    base = Self.allocate(self.capacity)
  }

  deinit { free(base) }

  private static func allocate(_ capacity: Int) -> UnsafeMutablePointer<UInt8> {
    guard let block = malloc(capacity) else { preconditionFailure("out of memory") }
    return block.bindMemory(to: UInt8.self, capacity: capacity)
  }

  /// The number of bytes so far.
  @inlinable @inline(__always)
  public var count: Int { used }

  public var isEmpty: Bool { used == 0 }

  @inlinable @inline(__always)
  public var last: UInt8? { count == 0 ? nil : base[count - 1] }

  @inlinable @inline(__always)
  mutating func reserve(_ more: Int) {
    if more > capacity &- count { grow(count + more) }
  }

  @usableFromInline @inline(never)
  mutating func grow(_ needed: Int) {
    let larger = max(needed, capacity * 2)
    guard let block = realloc(base, larger) else { preconditionFailure("out of memory") }
    base = block.bindMemory(to: UInt8.self, capacity: larger)
    capacity = larger
  }

  @inlinable @inline(__always)
  public mutating func append(_ byte: UInt8) {
    reserve(1)
    base[used] = byte
    used &+= 1
  }

  @inlinable @inline(__always)
  public mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard let source = bytes.baseAddress else { return }
    reserve(bytes.count)
    (base + used).initialize(from: source, count: bytes.count)
    used &+= bytes.count
  }

  @inlinable @inline(__always)
  public mutating func append(_ text: StaticString) {
    append(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Appends bytes with a backslash before each quote and backslash.
  public mutating func appendEscapingQuotes(_ bytes: [UInt8]) {
    reserve(2 * bytes.count)
    bytes.withUnsafeBufferPointer { bytes in
      var at = base + count
      for byte in bytes {
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
          at.pointee = UInt8(ascii: "\\")
          at += 1
        }
        at.pointee = byte
        at += 1
      }
      used = at - base
    }
  }

  /// Appends the 16 lower-case hexadecimal digits of a number.
  public mutating func append(hex number: UInt64) {
    reserve(16)
    HexDigits.write(number, to: UnsafeMutableRawPointer(base + used))
    used &+= 16
  }

  /// Appends the UTF-8 of a text.
  public mutating func append(text: String) {
    if text.utf8.withContiguousStorageIfAvailable({ append($0) }) == nil {
      append(Array(text.utf8))
    }
  }

  public mutating func append(_ bytes: [UInt8]) {
    bytes.withUnsafeBufferPointer { append($0) }
  }

  /// Appends `"name":`, after a comma if `afterComma` is set.
  @inline(__always)
  public mutating func appendName(_ name: StaticString, afterComma: Bool) {
    let length = name.utf8CodeUnitCount
    reserve(length + 4)
    var at = base + count
    if afterComma {
      at.pointee = UInt8(ascii: ",")
      at += 1
    }
    at[0] = UInt8(ascii: "\"")
    memcpy(at + 1, name.utf8Start, length)
    at[length + 1] = UInt8(ascii: "\"")
    at[length + 2] = UInt8(ascii: ":")
    used += length + (afterComma ? 4 : 3)
  }

  /// Drops the bytes after the first `count`. Keeps the memory, unless the buffer is empty and very
  /// large.
  public mutating func truncate(to count: Int) {
    used = count
    if count == 0 && capacity > 1_048_576 {
      free(base)
      capacity = 4_096
      base = Self.allocate(capacity)
    }
  }

  /// Calls `body` with the bytes, which are valid only during the call.
  @inline(__always)
  public borrowing func withBytes<Result: ~Copyable>(
    _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
  ) rethrows -> Result {
    try body(UnsafeBufferPointer(start: base, count: count))
  }

  /// A copy of the bytes.
  public var array: [UInt8] { withBytes(Array.init) }

  /// The bytes, without a copy. Ends the buffer and frees the memory that it has not used.
  public consuming func share() -> SharedBytes {
    if capacity > count, let smaller = realloc(base, max(1, count)) {
      base = smaller.bindMemory(to: UInt8.self, capacity: count)
    }
    let shared = SharedBytes(owning: base, count: count)
    discard self
    return shared
  }
}

/// Bytes that no longer change. Any number of owners share them without a copy.
public final class SharedBytes: @unchecked Sendable {
  // @unchecked: nothing writes the memory after `init`.
  private let base: UnsafeMutablePointer<UInt8>
  public let count: Int

  /// - Parameter base: memory of malloc(3).
  fileprivate init(owning base: UnsafeMutablePointer<UInt8>, count: Int) {
    (self.base, self.count) = (base, count)
  }

  deinit { free(base) }

  /// Calls `body` with the bytes, which are valid only during the call.
  public func withBytes<Result>(
    _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
  ) rethrows -> Result {
    try body(UnsafeBufferPointer(start: base, count: count))
  }
}
