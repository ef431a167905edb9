/// Delimiters between the parts of a multipart (RFC 2046 section 5.1.1).
enum Boundary {
  /// A boundary that does not occur in any of the contents.
  ///
  /// Its `=_` cannot occur in Base64 or quoted-printable text, so only unencoded contents must be
  /// searched.
  ///
  /// - Parameter token: returns a new text of letters, digits and hyphens on each call.
  static func make(absentFrom contents: [[UInt8]], token: () -> String) -> String {
    while true {
      let boundary = "=_" + token()
      if !contents.contains(where: { occurs(boundary, in: $0) }) { return boundary }
    }
  }

  private static func occurs(_ boundary: String, in content: [UInt8]) -> Bool {
    let wanted = Array(boundary.utf8)
    var rest = content[...]
    while let start = rest.firstIndex(of: ASCII.equals) {
      if content[start...].starts(with: wanted) { return true }
      rest = content[(start + 1)...]
    }
    return false
  }
}
