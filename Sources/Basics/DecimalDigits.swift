/// Writes integers in decimal digits.
public enum DecimalDigits {
  public static func append(_ value: Int64, to output: inout ByteBuffer) {
    if value >= 0 && value < 10 {
      output.append(UInt8(ascii: "0") + UInt8(value))
      return
    }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var magnitude = value.magnitude
      var at = 20
      repeat {
        at -= 1
        digits[at] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude % 10)
        magnitude /= 10
      } while magnitude > 0
      if value < 0 {
        at -= 1
        digits[at] = UInt8(ascii: "-")
      }
      output.append(UnsafeBufferPointer(rebasing: digits[at..<20]))
    }
  }
}
