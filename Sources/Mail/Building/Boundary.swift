/// Lines that separate the parts of a multipart (RFC 2046 section 5.1.1).
enum Boundary {
  /// One that does not occur in any of the contents.
  ///
  /// Its `=_` cannot stand in Base64 nor in quoted-printable text, so only what is written as it is
  /// must be looked through.
  ///
  /// - Parameter token: makes another text of letters, digits and hyphens at each call.
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
