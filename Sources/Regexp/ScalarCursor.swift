/// A position in a pattern.
struct ScalarCursor {
  private let scalars: [Unicode.Scalar]
  var position = 0

  init(_ text: String) { scalars = Array(text.unicodeScalars) }

  /// The scalar at the cursor; nil at the end.
  var scalar: Unicode.Scalar? { scalar(after: 0) }

  func scalar(after distance: Int) -> Unicode.Scalar? {
    position + distance < scalars.count ? scalars[position + distance] : nil
  }

  /// Consumes the scalar at the cursor.
  mutating func next() -> Unicode.Scalar? {
    guard let scalar else { return nil }
    position += 1
    return scalar
  }

  mutating func take(_ wanted: Unicode.Scalar) -> Bool {
    guard scalar == wanted else { return false }
    position += 1
    return true
  }

  /// Hexadecimal digits, from `least` to `most`; nil, with the cursor unmoved, if there are fewer.
  mutating func takeHex(_ least: Int, _ most: Int) -> UInt32? {
    var (value, count): (UInt32, Int) = (0, 0)
    while count < most, let digit = scalar(after: count).flatMap({ Character($0).hexDigitValue }),
      scalar(after: count)?.isASCII == true
    {
      value = value << 4 | UInt32(digit)
      count += 1
    }
    guard count >= least else { return nil }
    position += count
    return value
  }
}
