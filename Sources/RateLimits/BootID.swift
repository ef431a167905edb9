import Basics

/// The boot of the machine, from which the monotonic clock counts.
struct BootID: Sendable, Equatable {
  let high: Int64
  let low: Int64

  static let current: BootID? = {
    guard
      let bytes = try? FileDescriptor.readFile("/proc/sys/kernel/random/boot_id", limit: 256)
    else { return nil }
    return BootID(String(decoding: bytes, as: UTF8.self))
  }()

  var text: String { "\(high) \(low)" }

  /// From a UUID.
  init?(_ text: String) {
    let digits = text.filter(\.isHexDigit)
    guard digits.count == 32, let high = UInt64(digits.prefix(16), radix: 16),
      let low = UInt64(digits.suffix(16), radix: 16)
    else { return nil }
    self.high = Int64(bitPattern: high)
    self.low = Int64(bitPattern: low)
  }
}
