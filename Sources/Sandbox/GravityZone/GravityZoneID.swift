/// Ids of the API: 24 lower-case hexadecimal digits.
enum GravityZoneID {
  /// What an id that the seed made is of; no two kinds share an id.
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

  /// - Parameter seconds: since 1970, when the object was made, which the real ids begin with.
  static func make(_ kind: Kind, _ number: Int, at seconds: Int = GravityZoneSeed.epoch) -> String {
    hex(seconds, digits: 8) + "b1a43d" + hex(kind.rawValue, digits: 4) + hex(number, digits: 6)
  }

  private static func hex(_ number: Int, digits: Int) -> String {
    let text = String(number, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }
}
