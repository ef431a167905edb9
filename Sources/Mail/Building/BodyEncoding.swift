/// Transfer encodings for writing (RFC 2045 section 6).
enum BodyEncoding {
  /// ASCII text with lines that are short enough.
  case sevenBit
  case quotedPrintable
  case base64

  var name: String {
    switch self {
    case .sevenBit: "7bit"
    case .quotedPrintable: "quoted-printable"
    case .base64: "base64"
    }
  }

  static let base64Line = 76

  /// The shortest encoding that preserves the text. Lines must end with CRLF.
  init(forText text: [UInt8]) {
    var isPlain = true
    var escaped = 0
    for line in text.split(separator: ASCII.lineFeed, omittingEmptySubsequences: true) {
      let line = line.last == ASCII.carriageReturn ? line.dropLast() : line
      escaped += line.reduce(0) { $0 + ($1 < 0x20 && $1 != ASCII.tab || $1 >= 0x7F ? 1 : 0) }
      // SMTP doubles a leading dot, and mailbox files quote `From `.
      isPlain =
        isPlain && line.count <= QuotedPrintable.maximumLine && line.first != ASCII.dot
        && !line.starts(with: "From ".utf8) && line.last != ASCII.space && line.last != ASCII.tab
    }
    if isPlain && escaped == 0 {
      self = .sevenBit
    } else {
      self = escaped * 2 > text.count / 3 ? .base64 : .quotedPrintable
    }
  }

  /// The length of `count` bytes in Base64.
  static func base64Size(_ count: Int) -> Int {
    let digits = (count + 2) / 3 * 4
    return digits + (digits + base64Line - 1) / base64Line * 2
  }

  /// Writes lines of 76 digits. Not built from `Base64` lines: their strings would cost more than
  /// the encoding of a large file.
  static func writeBase64(_ bytes: [UInt8], into output: inout [UInt8]) {
    var column = 0
    func append(_ group: (UInt8, UInt8, UInt8, UInt8)) {
      output.append(group.0)
      output.append(group.1)
      output.append(group.2)
      output.append(group.3)
      column += 4
      if column == base64Line {
        output.append(ASCII.carriageReturn)
        output.append(ASCII.lineFeed)
        column = 0
      }
    }
    bytes.withUnsafeBufferPointer { bytes in
      digits.withUnsafeBufferPointer { digits in
        var at = 0
        while at < bytes.count {
          let one = bytes[at]
          let two = at + 1 < bytes.count ? bytes[at + 1] : 0
          let three = at + 2 < bytes.count ? bytes[at + 2] : 0
          append(
            (
              digits[Int(one >> 2)], digits[Int((one & 0x3) << 4 | two >> 4)],
              at + 1 < bytes.count ? digits[Int(two & 0xF) << 2 | Int(three >> 6)] : ASCII.equals,
              at + 2 < bytes.count ? digits[Int(three & 0x3F)] : ASCII.equals
            ))
          at += 3
        }
      }
    }
    if column > 0 {
      output.append(ASCII.carriageReturn)
      output.append(ASCII.lineFeed)
    }
  }

  private static let digits = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
}
