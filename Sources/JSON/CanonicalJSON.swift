extension JSONFragment {
  /// A text that is the same for values that differ only in the order and the repetition of
  /// members, in spaces and in escapes: members sorted by name, the last of several kept. Numbers
  /// keep their text, so `1` and `1.0` differ.
  public var canonicalText: String {
    var writer = JSONWriter(capacity: bytes.count)
    Self.canonicalize(json, to: &writer)
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  private static func canonicalize(_ json: JSON, to writer: inout JSONWriter) {
    switch json.kind {
    case .object:
      // By bytes: Swift's own comparison of strings takes canonically equivalent ones for equal.
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
