/// The id of a file: 128 random bits, so that ids cannot be guessed.
enum FileID {
  /// Number of hexadecimal digits.
  static let length = 32

  static func random() -> String {
    // The system's generator is cryptographically secure.
    var generator = SystemRandomNumberGenerator()
    return [generator.next(), generator.next()].map { (half: UInt64) in
      let digits = String(half, radix: 16)
      return String(repeating: "0", count: length / 2 - digits.count) + digits
    }.joined()
  }

  /// Must be checked before an id is used in a path.
  static func isValid(_ id: some StringProtocol) -> Bool {
    id.utf8.count == length
      && id.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }
}
