import Glibc
import Mail
import Testing

/// Compares the built-in tables with those of the C library.
@Suite struct CharsetTests {
  static let names =
    [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16].map { "ISO-8859-\($0)" }
    + (1250...1258).map { "WINDOWS-\($0)" } + ["KOI8-R", "KOI8-U"]

  @Test(arguments: names)
  func `each byte decodes as in the C library`(name: String) throws {
    let descriptor = try #require(iconv_open("UTF-8", name))
    guard Int(bitPattern: descriptor) != -1 else {
      print("SKIPPED: \(name): unknown to the C library")
      return
    }
    defer { iconv_close(descriptor) }
    for byte in UInt8.min...UInt8.max {
      guard let expected = Self.convert(byte, descriptor) else { continue }
      #expect(Charset.decode([byte], named: name) == expected, "\(name) \(byte)")
    }
  }

  /// Nil for an undefined byte.
  private static func convert(_ byte: UInt8, _ descriptor: iconv_t) -> String? {
    var input = [CChar(bitPattern: byte)]
    var output = [CChar](repeating: 0, count: 16)
    var (inputLeft, outputLeft) = (1, output.count)
    let isConverted = input.withUnsafeMutableBufferPointer { input in
      output.withUnsafeMutableBufferPointer { output in
        var (from, to) = (input.baseAddress, output.baseAddress)
        let result = iconv(descriptor, &from, &inputLeft, &to, &outputLeft)
        // Also resets the descriptor.
        return iconv(descriptor, nil, nil, &to, &outputLeft) != -1 && result != -1
      }
    }
    guard isConverted, outputLeft < output.count else { return nil }
    let bytes = output[..<(output.count - outputLeft)].map { UInt8(bitPattern: $0) }
    return String(decoding: bytes, as: UTF8.self)
  }
}
