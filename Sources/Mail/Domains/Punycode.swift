/// The encoding of Unicode text in the ASCII characters of host names (RFC 3492).
enum Punycode {
  // The parameters of RFC 3492 section 5.
  private static let base: UInt32 = 36
  private static let minimumThreshold: UInt32 = 1
  private static let maximumThreshold: UInt32 = 26
  private static let skew: UInt32 = 38
  private static let damp: UInt32 = 700
  private static let initialBias: UInt32 = 72
  private static let firstNonASCII: UInt32 = 0x80

  /// RFC 3492 section 6.3.
  ///
  /// - Parameter text: at most as long as a label of a domain, so that no number can overflow.
  static func encode(_ text: some Collection<Unicode.Scalar>) -> String {
    let values = text.map(\.value)
    precondition(values.count <= DomainName.maximumLabel, "a text longer than a label")
    var output = values.filter { $0 < firstNonASCII }.map { UInt8($0) }
    let basicCount = UInt32(output.count)
    if basicCount > 0 { output.append(ASCII.hyphen) }
    var (next, delta, bias, handled) = (firstNonASCII, UInt32(0), initialBias, basicCount)
    while handled < values.count {
      guard let least = values.lazy.filter({ $0 >= next }).min() else { break }
      delta += (least - next) * (handled + 1)
      next = least
      for value in values {
        if value < next { delta += 1 }
        guard value == next else { continue }
        append(delta, bias: bias, to: &output)
        bias = adapt(delta, count: handled + 1, isFirst: handled == basicCount)
        delta = 0
        handled += 1
      }
      delta += 1
      next += 1
    }
    return String(decoding: output, as: UTF8.self)
  }

  /// Writes a number as digits of variable length.
  private static func append(_ delta: UInt32, bias: UInt32, to output: inout [UInt8]) {
    var rest = delta
    var position = base
    while true {
      let threshold =
        position <= bias
        ? minimumThreshold : min(max(position - bias, minimumThreshold), maximumThreshold)
      guard rest >= threshold else { break }
      output.append(digit(threshold + (rest - threshold) % (base - threshold)))
      rest = (rest - threshold) / (base - threshold)
      position += base
    }
    output.append(digit(rest))
  }

  /// `a` to `z`, then `0` to `9`.
  private static func digit(_ value: UInt32) -> UInt8 {
    UInt8(value < 26 ? value + 0x61 : value - 26 + 0x30)
  }

  /// RFC 3492 section 6.1.
  private static func adapt(_ delta: UInt32, count: UInt32, isFirst: Bool) -> UInt32 {
    var delta = isFirst ? delta / damp : delta / 2
    delta += delta / count
    var divisions: UInt32 = 0
    while delta > (base - minimumThreshold) * maximumThreshold / 2 {
      delta /= base - minimumThreshold
      divisions += base
    }
    return divisions + (base - minimumThreshold + 1) * delta / (delta + skew)
  }
}
