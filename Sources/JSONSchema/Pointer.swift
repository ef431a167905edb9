import Basics
import JSON

/// JSON Pointers (RFC 6901).
enum Pointer {
  /// A name as a part of a pointer; a long one is truncated.
  static func step(_ name: String) -> String {
    guard name.utf8.count > SchemaLimits.textBytes else { return "/" + escaped(name) }
    return "/" + escaped(String(name.prefix(SchemaLimits.textBytes / 4))) + "…"
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

/// The place of a subschema. A chain, because the names of a hostile schema can be long: the text of
/// every place would take memory that is quadratic in the size of the schema.
final class SchemaPointer: Sendable {
  static let root = SchemaPointer(parent: nil, name: "")

  private let parent: SchemaPointer?
  private let name: String

  private init(parent: SchemaPointer?, name: String) {
    self.parent = parent
    self.name = name
  }

  var isRoot: Bool { parent == nil }

  func child(_ name: String) -> SchemaPointer { SchemaPointer(parent: self, name: name) }

  func endsWith(_ name: String) -> Bool { self.name == name }

  /// The JSON Pointer. Long names are truncated.
  var text: String {
    var steps: [String] = []
    var place = self
    while let parent = place.parent {
      steps.append(Pointer.step(place.name))
      place = parent
    }
    return steps.reversed().joined()
  }
}
