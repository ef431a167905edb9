/// A ZIP archive with uncompressed members (PKWARE APPNOTE 4.3).
struct ZipArchive {
  private var members: [UInt8] = []
  private var directory: [UInt8] = []
  private var count = 0

  mutating func add(_ name: String, _ content: [UInt8]) {
    let offset = members.count
    var entry: [UInt8] = []
    // Version 2.0, flag 11 (UTF-8 names), stored, 2026-11-20 06:00:00.
    for number in [20, 0x0800, 0, 0x3000, 0x5D74] { Self.append(number, bytes: 2, to: &entry) }
    Self.append(Int(CRC32.of(content)), bytes: 4, to: &entry)
    for _ in 0..<2 { Self.append(content.count, bytes: 4, to: &entry) }
    Self.append(name.utf8.count, bytes: 2, to: &entry)
    Self.append(0, bytes: 2, to: &entry)
    members += [0x50, 0x4B, 3, 4] + entry + Array(name.utf8) + content
    directory += [0x50, 0x4B, 1, 2, 20, 0] + entry
    // No comment, first disk, no attributes.
    for _ in 0..<3 { Self.append(0, bytes: 2, to: &directory) }
    Self.append(0, bytes: 4, to: &directory)
    Self.append(offset, bytes: 4, to: &directory)
    directory += Array(name.utf8)
    count += 1
  }

  var bytes: [UInt8] {
    var end: [UInt8] = [0x50, 0x4B, 5, 6, 0, 0, 0, 0]
    for _ in 0..<2 { Self.append(count, bytes: 2, to: &end) }
    Self.append(directory.count, bytes: 4, to: &end)
    Self.append(members.count, bytes: 4, to: &end)
    Self.append(0, bytes: 2, to: &end)
    return members + directory + end
  }

  /// Little-endian.
  private static func append(_ number: Int, bytes: Int, to output: inout [UInt8]) {
    for index in 0..<bytes { output.append(UInt8(truncatingIfNeeded: number >> (8 * index))) }
  }
}

/// The checksum of ZIP (ITU-T V.42).
enum CRC32 {
  static func of(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(UInt32.max) { sum, byte in
      (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in
        sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1
      }
    }
  }
}
