import Basics
import JSON

/// A member name as a query spells it, decoded.
struct MemberName: Sendable {
  let utf8: [UInt8]

  /// The value of the last member of that name.
  func value(in object: JSON) -> JSON? {
    var found: JSON?
    for member in object.members where member.name.hasText(utf8) { found = member.value }
    return found
  }
}

// Comparisons of strings by their Unicode scalars. `String` would not do: it compares by canonical
// equivalence, and RFC 9535 section 2.3.5.2.2 does not.
extension JSON {
  private static let backslash = UInt8(ascii: "\\")

  /// Whether this string, once decoded, is `utf8`.
  func hasText(_ utf8: [UInt8]) -> Bool {
    let ownBytes: Bool? = withSource { source in
      let content = source.dropFirst().dropLast()
      return content.contains(Self.backslash) ? nil : content.elementsEqual(utf8)
    }
    return ownBytes ?? (stringBytes == utf8)
  }

  /// Whether this string and another are the same once decoded.
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
