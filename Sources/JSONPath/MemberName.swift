import Basics
import JSON

/// A decoded member name of a query.
struct MemberName: Sendable {
  let utf8: [UInt8]

  /// The value of the last member with that name.
  func value(in object: JSON) -> JSON? {
    var found: JSON?
    for member in object.members where member.name.hasText(utf8) { found = member.value }
    return found
  }
}

// Comparison of strings by Unicode scalars, as RFC 9535 section 2.3.5.2.2 requires. `String`
// compares by canonical equivalence.
extension JSON {
  private static let backslash = UInt8(ascii: "\\")

  /// Whether the decoded string equals `utf8`.
  func hasText(_ utf8: [UInt8]) -> Bool {
    let ownBytes: Bool? = withSource { source in
      let content = source.dropFirst().dropLast()
      return content.contains(Self.backslash) ? nil : content.elementsEqual(utf8)
    }
    return ownBytes ?? (stringBytes == utf8)
  }

  /// Whether two strings are equal after decoding.
  func hasSameText(as other: JSON) -> Bool {
    let bySource: Bool? = withSource { own in
      other.withSource { others in
        if own.elementsEqual(others) { return true }
        return own.contains(Self.backslash) || others.contains(Self.backslash) ? nil : false
      }
    }
    return bySource ?? (stringBytes == other.stringBytes)
  }
}
