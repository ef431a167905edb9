import Basics

/// Where a proxy listens, and who may use it: `http://user:password@proxy.example:3128`.
public struct ProxyURL: Sendable, Equatable {
  /// The kinds that libcurl speaks to.
  static let schemes = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"]

  public let text: String
  /// As written and without percent-encoding; neither may be shown.
  public let passwords: [String]

  /// - Throws: what is wrong, without the text, which may hold a password.
  public init(_ text: String) throws(BaseURL.Fault) {
    guard let separator = text.firstRange(of: "://"),
      Self.schemes.contains(text[..<separator.lowerBound].lowercased())
    else {
      throw BaseURL.Fault(
        reason: "a proxy is a URL such as http://, https:// or socks5h://host:port")
    }
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw BaseURL.Fault(reason: "a URL has no spaces, control or non-ASCII characters")
    }
    let authority = text[separator.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    let credentialsEnd = authority.lastIndex(of: "@")
    let place = credentialsEnd.map { authority[authority.index(after: $0)...] } ?? authority
    // https, so that any host will do.
    _ = try BaseURL("https://\(place)")
    self.text = text
    let credentials = credentialsEnd.map { authority[..<$0] } ?? ""
    passwords =
      credentials.firstIndex(of: ":").map { colon in
        let password = String(credentials[credentials.index(after: colon)...])
        return [password, PercentEncoding.decode(password)]
      } ?? []
  }
}
