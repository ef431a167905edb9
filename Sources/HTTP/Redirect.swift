/// Redirects (RFC 9110 section 15.4).
package enum Redirect {
  /// Characters of an address that an error shows.
  private static let shownCharacters = 200

  /// Where a response redirects to; nil if it does not.
  package static func location(_ response: HTTPResponse) -> String? {
    guard [301, 302, 303, 307, 308].contains(response.status) else { return nil }
    return response.header("location")
  }

  /// An address for an error: without credentials, query and fragment, any of which may be a secret.
  package static func shown(_ location: String) -> String {
    var text = location.prefix { $0 != "?" && $0 != "#" }
    let scheme = text.firstRange(of: "://").map { text[..<$0.upperBound] } ?? ""
    if let credentials = text.lastIndex(of: "@") {
      text = scheme + text[text.index(after: credentials)...]
    }
    let clean = text.unicodeScalars.filter { $0.value > 0x20 && $0.value < 0x7F }
    return String(String(String.UnicodeScalarView(clean)).prefix(shownCharacters))
  }
}
