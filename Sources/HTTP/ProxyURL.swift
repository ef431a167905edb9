import Basics

/// The address and credentials of a proxy: `http://user:password@proxy.example:3128`.
public struct ProxyURL: Sendable, Equatable {
  /// The proxy types that libcurl supports.
  static let schemes = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"]

  public let text: String
  /// The password as written and percent-decoded. Neither may be shown.
  public let passwords: [String]

  /// - Throws: the reason, without the text, which may contain a password.
  public init(_ text: String) throws(BaseURL.InvalidURL) {
    guard let separator = text.firstRange(of: "://"),
      Self.schemes.contains(text[..<separator.lowerBound].lowercased())
    else {
      throw BaseURL.InvalidURL(
        reason: "must be a URL such as http://host:port, https://host:port or socks5h://host:port")
    }
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw BaseURL.InvalidURL(
        reason: "must not contain spaces, control or non-ASCII characters")
    }
    let authority = text[separator.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    let credentialsEnd = authority.lastIndex(of: "@")
    let hostAndPort = credentialsEnd.map { authority[authority.index(after: $0)...] } ?? authority
    // Parsed as https, for which any host is allowed.
    _ = try BaseURL("https://\(hostAndPort)")
    self.text = text
    let credentials = credentialsEnd.map { authority[..<$0] } ?? ""
    passwords =
      credentials.firstIndex(of: ":").map { colon in
        let password = String(credentials[credentials.index(after: colon)...])
        return [password, PercentEncoding.decode(password)]
      } ?? []
  }
}
