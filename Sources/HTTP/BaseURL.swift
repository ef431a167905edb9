import Basics
import Glibc

/// The root of a vendor's API: scheme, host and path prefix.
///
/// `https` for any host, `http` only for this machine, because every request carries credentials.
public struct BaseURL: Sendable, Equatable {
  public struct InvalidURL: Error, Equatable, Sendable {
    /// A predicate with the requirement; the subject is the URL.
    public var reason: String
  }

  /// Without a trailing slash.
  public let text: String
  /// In lower case, without the brackets of an IPv6 address.
  public let host: String
  public let port: Int
  public let isSecure: Bool

  public init(_ input: String) throws(InvalidURL) {
    let trimmed = String(
      input.drop { $0 == " " }.reversed().drop { $0 == " " || $0 == "/" }
        .reversed())
    guard let separator = trimmed.firstRange(of: "://") else {
      throw InvalidURL(reason: "must start with https://, for example https://example.com")
    }
    let scheme = trimmed[..<separator.lowerBound].lowercased()
    guard scheme == "https" || scheme == "http" else {
      throw InvalidURL(reason: "must start with https://, not \(scheme)://")
    }
    let rest = trimmed[separator.upperBound...]
    guard rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw InvalidURL(reason: "must not contain spaces, control or non-ASCII characters")
    }
    guard !rest.contains(where: { $0 == "?" || $0 == "#" }) else {
      throw InvalidURL(reason: "must not contain a query or a fragment")
    }
    let authority = rest.prefix { $0 != "/" }
    guard !authority.contains("@") else {
      throw InvalidURL(
        reason: "must not contain a user name or password; use the settings for them")
    }
    let (host, portText) = try Self.split(authority)
    guard !host.isEmpty else { throw InvalidURL(reason: "has no host") }
    var port = scheme == "https" ? 443 : 80
    if let portText {
      guard portText.utf8.allSatisfy(Self.isDigit), let number = Int(portText),
        (1...65_535).contains(number)
      else {
        throw InvalidURL(reason: "has an invalid port; expected 1 to 65535")
      }
      port = number
    }
    guard scheme == "https" || Self.isLoopback(host) else {
      throw InvalidURL(
        reason: "must start with https://; http:// sends credentials in clear text and "
          + "is allowed only for this machine")
    }
    guard Self.isHost(host, isBracketed: authority.first == "[") else {
      throw InvalidURL(
        reason:
          "has an invalid host; expected a name of letters, digits and hyphens, or an IP address")
    }
    text = "\(scheme)://\(rest)"
    self.host = host
    self.port = port
    isSecure = scheme == "https"
  }

  private static func split(
    _ authority: Substring
  ) throws(InvalidURL) -> (host: String, port: Substring?) {
    let error = InvalidURL(reason: "must have an IPv6 address in brackets")
    if authority.first == "[" {
      guard let bracket = authority.firstIndex(of: "]") else { throw error }
      let after = authority[authority.index(after: bracket)...]
      guard after.isEmpty || after.first == ":" else { throw error }
      let host = authority[..<bracket].dropFirst()
      return (host.lowercased(), after.isEmpty ? nil : after.dropFirst())
    }
    let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count <= 2, !parts[0].contains(where: { $0 == "[" || $0 == "]" }) else {
      throw error
    }
    return (parts[0].lowercased(), parts.count == 2 ? parts[1] : nil)
  }

  /// Whether the text is a name of letters, digits, hyphens and underscores (RFC 1123 section 2.1, with
  /// the underscores that internal names have), an IPv4 address, or an IPv6 address (RFC 6874: with a
  /// zone).
  private static func isHost(_ host: String, isBracketed: Bool) -> Bool {
    if isBracketed {
      var address = in6_addr()
      let withoutZone = host.firstRange(of: "%25").map { host[..<$0.lowerBound] } ?? host[...]
      return inet_pton(AF_INET6, String(withoutZone), &address) == 1
    }
    let name = host.hasSuffix(".") ? host.dropLast() : host[...]
    return name.utf8.count <= maximumNameBytes
      && name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
        (1...maximumLabelBytes).contains(label.utf8.count)
          && label.utf8.allSatisfy { isDigit($0) || isLowercase($0) || $0 == 0x2D || $0 == 0x5F }
      }
  }

  /// RFC 1035 section 2.3.4.
  private static let maximumNameBytes = 253
  private static let maximumLabelBytes = 63

  private static func isLowercase(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
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

  /// Whether an absolute URL refers to this machine.
  public static func isLoopback(url: String) -> Bool {
    (try? BaseURL(withoutQuery(url))).map { isLoopback($0.host) } ?? false
  }

  /// The root of an absolute URL, including its path.
  public static func of(_ url: String) -> BaseURL? { try? BaseURL(withoutQuery(url)) }

  private static func withoutQuery(_ url: String) -> String {
    String(url.prefix { $0 != "?" && $0 != "#" })
  }

  /// The URL without the path that a client adds by itself, which users paste with the root.
  ///
  /// - Parameter paths: of the API, such as `api/v1.0/jsonrpc`. The URL is cut before the first two
  ///   segments that are the start of one, if the rest of the URL goes on like it or ends.
  public func root(without paths: [String]) -> String {
    let start = text.firstRange(of: "://")?.upperBound ?? text.startIndex
    guard let slash = text[start...].firstIndex(of: "/") else { return text }
    let segments = text[slash...].split(separator: "/")
    for (position, segment) in segments.dropLast().enumerated() {
      let rest = segments[position...]
      let isOfTheAPI = paths.contains { path in
        zip(rest, path.split(separator: "/")).allSatisfy { $0 == $1 }
      }
      if isOfTheAPI { return String(text[..<text.index(before: segment.startIndex)]) }
    }
    return text
  }

  /// The server, whatever the spelling of the URL: `localhost` for this machine, and the port also if
  /// it is the default.
  public var server: String {
    let name = Self.isLoopback(host) ? "localhost" : host
    return "\(name.hasSuffix(".") ? String(name.dropLast()) : name):\(port)"
  }

  /// Whether an absolute URL has the same scheme, host and port. Only then may it receive the
  /// credentials.
  public func isSameOrigin(_ url: String) -> Bool {
    guard let other = BaseURL.of(url) else { return false }
    return other.host == host && other.port == port && other.isSecure == isSecure
  }
}
