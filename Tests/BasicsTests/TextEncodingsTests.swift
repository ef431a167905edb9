import Foundation
import TestSupport
import Testing

@testable import Basics

@Suite struct Base64Tests {
  /// RFC 4648 section 10.
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
    ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
  ])
  func `the test vectors of RFC 4648 pass`(text: String, encoded: String) {
    #expect(Base64.encode(Array(text.utf8)) == encoded)
    #expect(
      Base64.encode(Array(text.utf8), padded: false) == encoded.filter { $0 != "=" })
  }

  private func decode(_ text: String, _ alphabet: Base64.Alphabet = .standard) throws -> [UInt8] {
    try Array(text.utf8).withUnsafeBufferPointer { try Base64.decode($0, alphabet: alphabet) }
  }

  @Test func `encoded bytes are decoded, with and without padding`() throws {
    var random = SeededGenerator(seed: 2)
    for count in 0..<200 {
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      for alphabet in [Base64.Alphabet.standard, .urlSafe] {
        for padded in [true, false] {
          let encoded = Base64.encode(bytes, alphabet: alphabet, padded: padded)
          #expect(try decode(encoded, alphabet) == bytes)
        }
      }
    }
  }

  @Test(arguments: [
    ("Z", 1), ("Zg=", 3), ("Zg===", 2), ("Zm9v=", 5), ("Zm9v====", 4), ("=", 1), ("====", 0),
    ("Zm9vZ", 5), ("Zm 9v", 2), ("Zm9v\n", 4), ("Zm9v Zg=", 4), ("Zg==Zg==", 2), ("Zm-v", 2),
    ("Zm_v", 2), ("Zh==", 1), ("Zh", 1), ("Zm9", 2), ("é===", 0), ("Zmé=", 2), ("Z\u{0}9v", 1),
  ])
  func `invalid Base64 is rejected with its offset`(text: String, offset: Int) {
    let error = #expect(throws: Base64Error.self) { try decode(text) }
    #expect(error?.offset == offset)
  }

  @Test func `the two alphabets differ in two digits`() {
    let bytes: [UInt8] = [0xFB, 0xEF, 0xBE, 0xFF, 0xFF, 0xFF]
    #expect(Base64.encode(bytes) == "++++////")
    #expect(Base64.encode(bytes, alphabet: .urlSafe) == "----____")
  }

  @Test func `random bytes are encoded as by Foundation`() {
    var random = SeededGenerator(seed: 1)
    for count in 0..<200 {
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      #expect(Base64.encode(bytes) == Data(bytes).base64EncodedString())
    }
  }
}

@Suite struct PercentEncodingTests {
  @Test(arguments: [
    ("", ""), ("azAZ09-._~", "azAZ09-._~"), (" ", "%20"), ("a+b&c=d/e?", "a%2Bb%26c%3Dd%2Fe%3F"),
    ("100%", "100%25"), ("é€𝄞", "%C3%A9%E2%82%AC%F0%9D%84%9E"), ("\u{0}\n\u{7F}", "%00%0A%7F"),
    ("@`[{:;,!'()*", "%40%60%5B%7B%3A%3B%2C%21%27%28%29%2A"),
  ])
  func `all bytes except unreserved characters are encoded, and round-trip`(
    text: String, encoded: String
  ) {
    #expect(PercentEncoding.encode(text) == encoded)
    #expect(PercentEncoding.decode(encoded) == text)
    #expect(PercentEncoding.decode(encoded.lowercased()) == text.lowercased())
  }

  @Test(arguments: [
    ("%", "%"), ("%2", "%2"), ("a%zz%41", "a%zzA"), ("%+f", "%+f"), ("%-1", "%-1"), ("%%41", "%A"),
    ("a+b", "a+b"), ("%C3", "\u{FFFD}"), ("%é1", "%é1"),
  ])
  func `an invalid escape stays unchanged`(text: String, decoded: String) {
    #expect(PercentEncoding.decode(text) == decoded)
  }
}

@Suite struct UTF8SequenceTests {
  private func length(_ bytes: [UInt8], available: Int? = nil) -> Int {
    bytes.withUnsafeBufferPointer {
      UTF8Sequence.length($0.baseAddress!, available: available ?? $0.count)
    }
  }

  /// The UTF-8 of all scalars in a range, as Swift encodes them.
  private func encodings(of values: ClosedRange<UInt32>) -> [[UInt8]] {
    values.compactMap { Unicode.Scalar($0) }.compactMap { UTF8.encode($0).map(Array.init) }
  }

  @Test func `two-byte sequences are valid exactly when Swift accepts them`() {
    let valid = Set(encodings(of: 0x80...0x7FF))
    for first in UInt8(0x80)...0xFF {
      for second in UInt8.min...0xFF {
        let isValid = valid.contains([first, second])
        #expect(length([first, second]) == (isValid ? 2 : 0), "\(first) \(second)")
        if first < 0xE0 {
          #expect(length([first, second, 0x80]) == (isValid ? 2 : 0))
        }
      }
    }
  }

  @Test func `three-byte sequences are valid exactly when Swift accepts them`() {
    var valid = [Bool](repeating: false, count: 1 << 20)
    for bytes in encodings(of: 0x800...0xFFFF) {
      valid[Int(bytes[0] & 0xF) << 16 | Int(bytes[1]) << 8 | Int(bytes[2])] = true
    }
    #expect(valid.count { $0 } == 0x10000 - 0x800 - 0x800)
    var wrong: [[UInt8]] = []
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 3) { bytes in
      guard let base = bytes.baseAddress else { return }
      for code in valid.indices {
        bytes[0] = 0xE0 | UInt8(code >> 16)
        bytes[1] = UInt8(code >> 8 & 0xFF)
        bytes[2] = UInt8(code & 0xFF)
        if UTF8Sequence.length(base, available: 3) != (valid[code] ? 3 : 0) {
          wrong.append(Array(bytes))
        }
      }
    }
    #expect(wrong.isEmpty)
  }

  @Test func `four-byte sequences are valid exactly when Swift accepts them`() {
    let edges: [UInt8] = [0x00, 0x7F, 0x80, 0xBF, 0xC0, 0xFF]
    for first in UInt8(0xF0)...0xFF {
      for second in UInt8.min...0xFF {
        for third in edges {
          for fourth in edges {
            let bytes = [first, second, third, fourth]
            let isValid = String(validating: bytes, as: UTF8.self)?.unicodeScalars.count == 1
            if length(bytes) != (isValid ? 4 : 0) { Issue.record("\(bytes)") }
          }
        }
      }
    }
  }

  @Test func `a truncated sequence is invalid`() {
    for scalar in ["é", "€", "𝄞"] {
      let bytes = Array(scalar.utf8)
      for available in 1..<bytes.count { #expect(length(bytes, available: available) == 0) }
      #expect(length(bytes) == bytes.count)
      #expect(length(bytes + bytes) == bytes.count)
    }
    #expect((UInt8(0)...0x7F).allSatisfy { length([$0]) == 1 })
  }

  @Test func `there are exactly three line separators`() {
    for value in UInt32(0x80)...0xFFFF {
      guard let scalar = Unicode.Scalar(value), let bytes = UTF8.encode(scalar).map(Array.init)
      else { continue }
      let found = bytes.withUnsafeBufferPointer {
        UTF8Sequence.isLineSeparator($0.baseAddress!, length: bytes.count)
      }
      if found != [0x85, 0x2028, 0x2029].contains(value) { Issue.record("U+\(value)") }
    }
  }
}
