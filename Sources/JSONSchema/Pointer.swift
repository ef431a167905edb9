import Basics
import JSON

/// JSON Pointers (RFC 6901).
enum Pointer {
  /// A pointer to a member or an element.
  static func child(_ name: String, of parent: String) -> String {
    parent + "/" + escaped(name)
  }

  static func escaped(_ name: String) -> String {
    // By scalars: a slash with a combining mark is a different character, but still a slash.
    guard name.unicodeScalars.contains(where: { $0 == "~" || $0 == "/" }) else { return name }
    return name.unicodeScalars.reduce(into: "") { text, scalar in
      text += scalar == "~" ? "~0" : scalar == "/" ? "~1" : String(scalar)
    }
  }

  /// The names of a pointer; nil for a text that is not a pointer.
  static func names(of pointer: String) -> [String]? {
    guard !pointer.isEmpty else { return [] }
    let parts = pointer.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    guard parts.count > 1, parts[0].isEmpty else { return nil }
    var names: [String] = []
    for part in parts.dropFirst() {
      guard let name = unescaped(part) else { return nil }
      names.append(name)
    }
    return names
  }

  private static func unescaped(_ part: Substring.UTF8View) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(part)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "~") else {
        bytes.append(byte)
        continue
      }
      switch rest.popFirst() {
      case UInt8(ascii: "0"): bytes.append(UInt8(ascii: "~"))
      case UInt8(ascii: "1"): bytes.append(UInt8(ascii: "/"))
      default: return nil
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension JSON {
  /// The member or element of a name in a pointer.
  func child(_ name: String) -> JSON? {
    switch kind {
    case .object: return self[name]
    case .array:
      guard
        name == "0"
          || (name.utf8.first != UInt8(ascii: "0")
            && name.utf8.allSatisfy {
              (0x30...0x39).contains($0)
            }),
        let position = Int(name)
      else { return nil }
      return self[position]
    default: return nil
    }
  }
}
