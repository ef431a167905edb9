import Basics
import JSON

/// Bytes that are equal for equal values: numbers by value, strings by code points, objects without
/// the order of members. If names repeat, the last member counts.
struct ValueKey {
  private(set) var bytes: [UInt8] = []

  /// - Parameter depth: the maximum depth of nested arrays and objects.
  /// - Returns: nil if the value is nested more deeply.
  init?(_ json: JSON, depth: Int) {
    guard append(json, depth) else { return nil }
  }

  private mutating func append(_ json: JSON, _ depth: Int) -> Bool {
    guard depth >= 0 else { return false }
    switch json.kind {
    case .null: bytes.append(UInt8(ascii: "n"))
    case .true: bytes.append(UInt8(ascii: "t"))
    case .false: bytes.append(UInt8(ascii: "f"))
    case .number: append(number: json)
    case .string: append(text: json.stringBytes ?? [])
    case .array:
      bytes.append(UInt8(ascii: "["))
      for element in json.elements { guard append(element, depth - 1) else { return false } }
      bytes.append(UInt8(ascii: "]"))
    case .object:
      var members: [[UInt8]: JSON] = [:]
      for member in json.members { members[member.name.stringBytes ?? []] = member.value }
      bytes.append(UInt8(ascii: "{"))
      for (name, value) in members.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
        append(text: name)
        guard append(value, depth - 1) else { return false }
      }
      bytes.append(UInt8(ascii: "}"))
    }
    return true
  }

  /// The length comes first, so that no text can look like other values.
  private mutating func append(text: [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    withUnsafeBytes(of: text.count.littleEndian) { bytes.append(contentsOf: $0) }
    bytes.append(contentsOf: text)
  }

  private mutating func append(number json: JSON) {
    if let integer = json.integer {
      bytes.append(UInt8(ascii: "i"))
      withUnsafeBytes(of: integer.littleEndian) { bytes.append(contentsOf: $0) }
      return
    }
    let number = DecimalNumber(json)
    bytes.append(UInt8(ascii: number.isNegative ? "-" : "+"))
    withUnsafeBytes(of: number.exponent.littleEndian) { bytes.append(contentsOf: $0) }
    append(text: number.digits)
  }
}
