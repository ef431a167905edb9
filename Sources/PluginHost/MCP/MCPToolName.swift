/// The ids of commands for the names of tools.
enum MCPToolName {
  private static let maximumBytes = 64
  /// Of a name that does not start with a letter.
  private static let prefix = "tool_"

  /// The ids, in the order of the names. Names that would get the same id are numbered in alphabetical
  /// order, so that the order of the list does not matter.
  static func ids(of names: [String]) -> [String] {
    var ids: [String: String] = [:]
    var taken: Set<String> = []
    for name in names.sorted() {
      let id = id(of: name)
      var candidate = id
      var number = 2
      while !taken.insert(candidate).inserted {
        candidate = shortened(id, by: "_\(number)".utf8.count) + "_\(number)"
        number += 1
      }
      ids[name] = candidate
    }
    return names.map { ids[$0] ?? "" }
  }

  /// Lower-case letters, digits and single underscores: `getUserByID` gives `get_user_by_id`.
  static func id(of name: String) -> String {
    var id: [UInt8] = []
    var previous: UInt8?
    let bytes = Array(name.utf8)
    for (position, byte) in bytes.enumerated() {
      let next = position + 1 < bytes.count ? bytes[position + 1] : nil
      if isUpper(byte) {
        let startsWord =
          previous.map { !isUpper($0) } ?? false || previous != nil && next.map(isLower) ?? false
        if startsWord { separate(&id) }
        id.append(byte | 0x20)
      } else if isLower(byte) || isDigit(byte) {
        id.append(byte)
      } else {
        separate(&id)
      }
      previous = byte
    }
    var text = String(decoding: id, as: UTF8.self)
    if text.hasSuffix("_") { text.removeLast() }
    guard let first = text.utf8.first else { return "tool" }
    return shortened(isLower(first) ? text : prefix + text, by: 0)
  }

  private static func separate(_ id: inout [UInt8]) {
    if let last = id.last, last != UInt8(ascii: "_") { id.append(UInt8(ascii: "_")) }
  }

  private static func shortened(_ id: String, by bytes: Int) -> String {
    var text = String(decoding: id.utf8.prefix(maximumBytes - bytes), as: UTF8.self)
    if text.hasSuffix("_") { text.removeLast() }
    return text
  }

  private static func isUpper(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
  }

  private static func isLower(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }
}
