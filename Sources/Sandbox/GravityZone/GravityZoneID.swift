/// Ids of the API: 24 lower-case hexadecimal digits.
enum GravityZoneID {
  /// The object type in a seed id. Ids of different types never collide.
  enum Kind: Int {
    case company = 1
    case group, endpoint, blocklistItem, scanTask, quarantineItem, report, policy, task, user
  }

  static func isValid(_ text: String) -> Bool {
    text.utf8.count == 24
      && text.utf8.allSatisfy { byte in
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
          || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
      }
  }

  /// - Parameter seconds: creation time since 1970. Real ids start with it.
  static func make(_ kind: Kind, _ number: Int, at seconds: Int = GravityZoneSeed.epoch) -> String {
    hex(seconds, digits: 8) + "b1a43d" + hex(kind.rawValue, digits: 4) + hex(number, digits: 6)
  }

  private static func hex(_ number: Int, digits: Int) -> String {
    let text = String(number, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }
}
