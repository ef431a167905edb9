import Glibc

/// Decodes text by the character set names in mail.
enum CharacterSetName {
  /// Maximum number of bytes to convert. The rest is dropped.
  private static let maximumBytes = 4 * 1_024 * 1_024

  /// Nil for an unknown character set or invalid bytes.
  static func text(_ bytes: [UInt8], _ name: String) -> String? {
    switch name.lowercased() {
    case "utf-8", "utf8", "us-ascii", "ascii", "":
      return String(decoding: bytes, as: UTF8.self)
    default: return converted(Array(bytes.prefix(maximumBytes)), name)
    }
  }

  private static func converted(_ bytes: [UInt8], _ name: String) -> String? {
    let isName = name.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "/") }
    guard isName, let converter = iconv_open("UTF-8", name),
      converter != iconv_t(bitPattern: -1)
    else { return nil }
    defer { iconv_close(converter) }
    var input = bytes.map { CChar(bitPattern: $0) }
    // In every set, one byte becomes at most four bytes of UTF-8.
    var output = [CChar](repeating: 0, count: bytes.count * 4 + 16)
    var written = 0
    let isWhole = input.withUnsafeMutableBufferPointer { from in
      output.withUnsafeMutableBufferPointer { to in
        var next = from.baseAddress
        var left = from.count
        var target = to.baseAddress
        var room = to.count
        let outcome = iconv(converter, &next, &left, &target, &room)
        written = to.count - room
        return outcome != -1
      }
    }
    guard isWhole else { return nil }
    return String(decoding: output.prefix(written).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
