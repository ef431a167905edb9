import Glibc

/// Character set conversion by the C library (iconv(3)).
enum Iconv {
  /// Nil for a character set unknown to the library. Invalid bytes become U+FFFD.
  static func decode(_ bytes: [UInt8], from charset: String) -> String? {
    guard isSafe(charset) else { return nil }
    let descriptor = iconv_open("UTF-8", charset)
    // iconv_open(3) returns (iconv_t)-1 for an unknown set.
    guard let descriptor, Int(bitPattern: descriptor) != -1 else { return nil }
    defer { iconv_close(descriptor) }
    var converted: [UInt8] = []
    converted.reserveCapacity(bytes.count * 2)
    var input = bytes
    input.withUnsafeMutableBytes { input in
      guard let base = input.baseAddress else { return }
      var next: UnsafeMutablePointer<CChar>? = base.assumingMemoryBound(to: CChar.self)
      var left = input.count
      while true {
        let result = step(descriptor, &next, &left, &converted)
        if result == 0 || result == E2BIG { if left == 0 { break } else { continue } }
        // EILSEQ, or EINVAL at the end: skip one byte, so that the loop terminates.
        converted += replacement
        guard left > 1, let current = next else { break }
        (next, left) = (current + 1, left - 1)
      }
    }
    return String(decoding: converted, as: UTF8.self)
  }

  /// Converts as much as fits into one buffer. Returns 0 or the error number.
  private static func step(
    _ descriptor: iconv_t, _ next: inout UnsafeMutablePointer<CChar>?, _ left: inout Int,
    _ converted: inout [UInt8]
  ) -> Int32 {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4_096) { buffer in
      var output = buffer.baseAddress
      var room = buffer.count
      var result = iconv(descriptor, &next, &left, &output, &room)
      var code = result == -1 ? errno : 0
      if code == 0, left == 0 {
        // Flush the state of a stateful set.
        result = iconv(descriptor, nil, nil, &output, &room)
        code = result == -1 ? errno : 0
      }
      let count = buffer.count - room
      UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count])
        .withMemoryRebound(to: UInt8.self) { converted.append(contentsOf: $0) }
      return code
    }
  }

  /// Accepts plain names, without suffixes such as `//TRANSLIT`. Excludes sets that are not used in
  /// mail and whose converters have crashed or looped (CVE-2020-27618, CVE-2021-3326,
  /// CVE-2024-2961).
  private static func isSafe(_ charset: String) -> Bool {
    !charset.isEmpty && charset.utf8.count <= 40
      && charset.utf8.allSatisfy {
        ASCII.isLetter($0) || ASCII.isDigit($0) || "-_.:+()".utf8.contains($0)
      }
      && ![
        "ibm13", "13", "ibm-13", "cp13", "iso-2022-jp-3", "iso2022jp3", "iso-2022-cn", "iso2022cn",
      ]
      .contains { charset.hasPrefix($0) }
  }

  private static let replacement = Array("\u{FFFD}".utf8)
}
