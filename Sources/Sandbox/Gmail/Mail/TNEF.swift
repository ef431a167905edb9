/// Outlook's attachment container, `winmail.dat` (MS-OXTNEF). Supports only what is needed to list
/// its files.
enum TNEF {
  private static let signature: UInt32 = 0x223E_9F78
  private static let title = 0x0001_8010
  private static let data = 0x0006_800F
  private static let rendering = 0x0006_9002
  /// The size of an attribute without its data: level, id and length before, a checksum after.
  private static let overhead = 9

  /// One leaf per file; empty if the bytes are not TNEF.
  static func parts(_ bytes: [UInt8]) -> [MIMEEntity] {
    guard bytes.count > 6, number(bytes, 0) == Int(signature) else { return [] }
    var names: [String] = []
    var contents: [[UInt8]] = []
    var at = 6
    while at + overhead <= bytes.count {
      let id = number(bytes, at + 1)
      let start = at + overhead
      let length = number(bytes, at + 5)
      guard start + length + 2 <= bytes.count else { break }
      let value = bytes[start..<start + length]
      switch id {
      case rendering:
        names.append("")
        contents.append([])
      case title where !names.isEmpty:
        names[names.count - 1] = String(decoding: value.prefix { $0 != 0 }, as: UTF8.self)
      case data where !contents.isEmpty: contents[contents.count - 1] = Array(value)
      default: break
      }
      at = start + length + 2
    }
    return zip(names, contents).map { name, content in
      let disposition = "attachment; filename=\"\(name)\""
      return MIMEEntity(
        type: "application/octet-stream",
        headers: [
          MIMEHeader(name: "Content-Type", value: "application/octet-stream"),
          MIMEHeader(name: "Content-Disposition", value: disposition),
        ], content: content)
    }
  }

  /// A container with the given files, for seed mail.
  static func wrap(_ files: [(name: String, content: [UInt8])]) -> [UInt8] {
    var bytes = little(Int(signature), 4) + [1, 0]
    func add(_ id: Int, _ value: [UInt8]) {
      bytes += [2] + little(id, 4) + little(value.count, 4) + value
      bytes += little(value.reduce(0) { ($0 + Int($1)) & 0xFFFF }, 2)
    }
    for file in files {
      add(rendering, [UInt8](repeating: 0, count: 14))
      add(title, Array(file.name.utf8) + [0])
      add(data, file.content)
    }
    return bytes
  }

  private static func number(_ bytes: [UInt8], _ at: Int) -> Int {
    (0..<4).reduce(0) { $0 | Int(bytes[at + $1]) << ($1 * 8) }
  }

  private static func little(_ number: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
  }
}
