/// UTF-16 (RFC 2781).
enum UTF16Text {
  enum Endian { case big, little }

  /// Uses and removes a byte order mark. Without a mark and a label, the text is big endian (RFC
  /// 2781 section 4.3), unless more low bytes than high bytes would be zero.
  static func decode(_ bytes: some Collection<UInt8>, endian: Endian?) -> String {
    var bytes = Array(bytes)[...]
    var endian = endian
    if bytes.starts(with: [0xFE, 0xFF]) {
      (bytes, endian) = (bytes.dropFirst(2), .big)
    } else if bytes.starts(with: [0xFF, 0xFE]) {
      (bytes, endian) = (bytes.dropFirst(2), .little)
    }
    let isLittle = (endian ?? guess(bytes)) == .little
    var units: [UInt16] = []
    units.reserveCapacity(bytes.count / 2)
    var at = bytes.startIndex
    while at + 1 < bytes.endIndex {
      let one = UInt16(bytes[at])
      let two = UInt16(bytes[at + 1])
      units.append(isLittle ? two << 8 | one : one << 8 | two)
      at += 2
    }
    let text = String(decoding: units, as: UTF16.self)
    return at < bytes.endIndex ? text + "\u{FFFD}" : text
  }

  private static func guess(_ bytes: ArraySlice<UInt8>) -> Endian {
    var zeros = (first: 0, second: 0)
    for (position, byte) in bytes.enumerated() where byte == 0 {
      if position % 2 == 0 { zeros.first += 1 } else { zeros.second += 1 }
    }
    return zeros.second > zeros.first ? .little : .big
  }
}
