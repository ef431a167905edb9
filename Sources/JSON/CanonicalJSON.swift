extension JSONFragment {
  /// A normalized text. Equal for values that differ only in the order or repetition of members, in
  /// white space and in escapes: members are sorted by name, and the last of repeated members
  /// counts. Numbers keep their text, so `1` and `1.0` differ.
  public var canonicalText: String {
    var writer = JSONWriter(capacity: bytes.count)
    Self.canonicalize(json, to: &writer)
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  private static func canonicalize(_ json: JSON, to writer: inout JSONWriter) {
    switch json.kind {
    case .object:
      // Compare bytes: Swift's string comparison treats canonically equivalent strings as equal.
      var members: [[UInt8]: JSON] = [:]
      for member in json.members { members[member.name.stringBytes ?? []] = member.value }
      writer.object { writer in
        for (name, value) in members.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
          writer.name(text: String(decoding: name, as: UTF8.self))
          canonicalize(value, to: &writer)
        }
      }
    case .array:
      writer.array { writer in
        for element in json.elements { canonicalize(element, to: &writer) }
      }
    case .string: writer.string(json.string ?? "")
    default: writer.value(json)
    }
  }
}
