import Basics

/// The root of a vendor's API: scheme, host and a path prefix.
///
/// `https` anywhere, `http` only to this machine, since credentials travel with every request.
public struct BaseURL: Sendable, Equatable {
  public struct Fault: Error, Equatable, Sendable {
    /// What is wrong, and what would be right.
    public var reason: String
  }

  /// Without a trailing slash.
  public let text: String
  /// In lower case, without brackets around an IPv6 address.
  public let host: String
  public let port: Int
  public let isSecure: Bool

  public init(_ input: String) throws(Fault) {
    let trimmed = String(
      input.drop { $0 == " " }.reversed().drop { $0 == " " || $0 == "/" }
        .reversed())
    guard let separator = trimmed.firstRange(of: "://") else {
      throw Fault(reason: "a URL starts with https://, as in https://example.com")
    }
    let scheme = trimmed[..<separator.lowerBound].lowercased()
    guard scheme == "https" || scheme == "http" else {
      throw Fault(reason: "a URL starts with https://, not with \(scheme)://")
    }
    let rest = trimmed[separator.upperBound...]
    guard rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw Fault(reason: "a URL has no spaces, control or non-ASCII characters")
    }
    guard !rest.contains(where: { $0 == "?" || $0 == "#" }) else {
      throw Fault(reason: "the server URL has no query and no fragment")
    }
    let authority = rest.prefix { $0 != "/" }
    guard !authority.contains("@") else {
      throw Fault(reason: "the server URL holds no user name or password; use the settings")
    }
    let (host, portText) = try Self.split(authority)
    guard !host.isEmpty else { throw Fault(reason: "the URL has no host") }
    var port = scheme == "https" ? 443 : 80
    if let portText {
      guard portText.utf8.allSatisfy(Self.isDigit), let number = Int(portText),
        (1...65_535).contains(number)
      else {
        throw Fault(reason: "a port is a number from 1 to 65535")
      }
      port = number
    }
    guard scheme == "https" || Self.isLoopback(host) else {
      throw Fault(
        reason: "http:// would send credentials in the clear; only https:// leaves this machine")
    }
    text = "\(scheme)://\(rest)"
    self.host = host
    self.port = port
    isSecure = scheme == "https"
  }

  private static func split(
    _ authority: Substring
  ) throws(Fault) -> (host: String, port: Substring?) {
    let fault = Fault(reason: "an IPv6 address stands in brackets")
    if authority.first == "[" {
      guard let bracket = authority.firstIndex(of: "]") else { throw fault }
      let after = authority[authority.index(after: bracket)...]
      guard after.isEmpty || after.first == ":" else { throw fault }
      let host = authority[..<bracket].dropFirst()
      return (host.lowercased(), after.isEmpty ? nil : after.dropFirst())
    }
    let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count <= 2, !parts[0].contains(where: { $0 == "[" || $0 == "]" }) else {
      throw fault
    }
    return (parts[0].lowercased(), parts.count == 2 ? parts[1] : nil)
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  /// `localhost`, 127.0.0.0/8 in dotted form, and `::1`.
  static func isLoopback(_ host: String) -> Bool {
    if host == "localhost" || host == "::1" { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127"
      && parts.allSatisfy { UInt8($0) != nil && $0.utf8.allSatisfy(isDigit) }
  }

  /// Whether an absolute URL points at this machine itself.
  public static func isLoopback(url: String) -> Bool {
    (try? BaseURL(withoutQuery(url))).map { isLoopback($0.host) } ?? false
  }

  /// The root that an absolute URL starts with, path included.
  public static func of(_ url: String) -> BaseURL? { try? BaseURL(withoutQuery(url)) }

  private static func withoutQuery(_ url: String) -> String {
    String(url.prefix { $0 != "?" && $0 != "#" })
  }

  /// Whether an absolute URL points at the same scheme, host and port, so that credentials may go
  /// there too.
  public func isSameOrigin(_ url: String) -> Bool {
    guard let other = BaseURL.of(url) else { return false }
    return other.host == host && other.port == port && other.isSecure == isSecure
  }
}
