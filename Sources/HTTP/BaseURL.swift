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

  /// By bytes: every request has a URL.
  public init(_ input: String) throws(InvalidURL) {
    var bytes = Array(input.utf8)[...]
    while bytes.first == UInt8(ascii: " ") { bytes.removeFirst() }
    while bytes.last == UInt8(ascii: " ") || bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")),
      bytes[colon...].starts(with: "://".utf8)
    else {
      throw InvalidURL(reason: "must start with https://, for example https://example.com")
    }
    let scheme = Self.lowercased(bytes[..<colon])
    guard scheme == "https" || scheme == "http" else {
      throw InvalidURL(reason: "must start with https://, not \(scheme)://")
    }
    let rest = bytes[(colon + 3)...]
    guard rest.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw InvalidURL(reason: "must not contain spaces, control or non-ASCII characters")
    }
    guard !rest.contains(where: { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }) else {
      throw InvalidURL(reason: "must not contain a query or a fragment")
    }
    let authority = rest.prefix { $0 != UInt8(ascii: "/") }
    guard !authority.contains(UInt8(ascii: "@")) else {
      throw InvalidURL(
        reason: "must not contain a user name or password; use the settings for them")
    }
    let (host, port) = try Self.split(authority)
    guard !host.isEmpty else { throw InvalidURL(reason: "has no host") }
    isSecure = scheme == "https"
    self.port = try port.map(Self.number) ?? (isSecure ? 443 : 80)
    self.host = Self.lowercased(host)
    guard isSecure || Self.isLoopback(self.host) else {
      throw InvalidURL(
        reason: "must start with https://; http:// sends credentials in clear text and "
          + "is allowed only for this machine")
    }
    guard Self.isHost(self.host, isBracketed: authority.first == UInt8(ascii: "[")) else {
      throw InvalidURL(
        reason:
          "has an invalid host; expected a name of letters, digits and hyphens, or an IP address")
    }
    let isUnchanged =
      bytes.count == input.utf8.count && bytes[..<colon].elementsEqual(scheme.utf8)
    text = isUnchanged ? input : "\(scheme)://" + String(decoding: rest, as: UTF8.self)
  }

  private static func lowercased(_ bytes: ArraySlice<UInt8>) -> String {
    let isUppercase: (UInt8) -> Bool = { (0x41...0x5A).contains($0) }
    guard bytes.contains(where: isUppercase) else { return String(decoding: bytes, as: UTF8.self) }
    return String(decoding: bytes.map { isUppercase($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
  }

  private static func number(_ digits: ArraySlice<UInt8>) throws(InvalidURL) -> Int {
    guard digits.allSatisfy(isDigit),
      let number = Int(String(decoding: digits, as: UTF8.self)), (1...65_535).contains(number)
    else {
      throw InvalidURL(reason: "has an invalid port; expected 1 to 65535")
    }
    return number
  }

  private static func split(
    _ authority: ArraySlice<UInt8>
  ) throws(InvalidURL) -> (host: ArraySlice<UInt8>, port: ArraySlice<UInt8>?) {
    let error = InvalidURL(reason: "must have an IPv6 address in brackets")
    if authority.first == UInt8(ascii: "[") {
      guard let bracket = authority.firstIndex(of: UInt8(ascii: "]")) else { throw error }
      let after = authority[(bracket + 1)...]
      guard after.isEmpty || after.first == UInt8(ascii: ":") else { throw error }
      return (authority[..<bracket].dropFirst(), after.isEmpty ? nil : after.dropFirst())
    }
    let colon = authority.firstIndex(of: UInt8(ascii: ":"))
    let host = authority[..<(colon ?? authority.endIndex)]
    let port = colon.map { authority[($0 + 1)...] }
    guard port?.contains(UInt8(ascii: ":")) != true,
      !host.contains(where: { $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: "]") })
    else { throw error }
    return (host, port)
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
    let bytes = host.utf8
    guard bytes.count <= maximumNameBytes else { return false }
    var labelBytes = 0
    for byte in host.hasSuffix(".") ? bytes.dropLast() : bytes[...] {
      if byte == UInt8(ascii: ".") {
        guard labelBytes > 0 else { return false }
        labelBytes = 0
        continue
      }
      labelBytes += 1
      guard labelBytes <= maximumLabelBytes,
        isDigit(byte) || isLowercase(byte) || byte == UInt8(ascii: "-")
          || byte == UInt8(ascii: "_")
      else { return false }
    }
    return labelBytes > 0
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
    guard host.hasPrefix("127.") else { return false }
    var (dots, number, digits) = (0, 0, 0)
    for byte in host.utf8 {
      if byte == UInt8(ascii: "."), digits > 0 {
        (dots, number, digits) = (dots + 1, 0, 0)
        continue
      }
      guard isDigit(byte) else { return false }
      (number, digits) = (number * 10 + Int(byte - UInt8(ascii: "0")), digits + 1)
      guard number <= 255, digits <= 3 else { return false }
    }
    return dots == 3 && digits > 0
  }

  /// Whether it refers to this machine.
  public var isLoopback: Bool { Self.isLoopback(host) }

  /// Whether an absolute URL refers to this machine.
  public static func isLoopback(url: String) -> Bool {
    (try? BaseURL(withoutQuery(url))).map { isLoopback($0.host) } ?? false
  }

  /// The root of an absolute URL, including its path.
  public static func of(_ url: String) -> BaseURL? { try? BaseURL(withoutQuery(url)) }

  private static func withoutQuery(_ url: String) -> String {
    let end = url.utf8.firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }
    return end.map { String(url[..<$0]) } ?? url
  }

  /// The URL without the path that a client adds by itself, which users paste with the root.
  ///
  /// - Parameter paths: of the API, such as `api/v1.0/jsonrpc`. The URL is cut before the first two
  ///   segments that are the start of one, if the rest of the URL goes on like it or ends.
  public func root(without paths: [String]) -> String {
    let scheme = isSecure ? "https://" : "http://"
    let start = text.utf8.index(text.startIndex, offsetBy: scheme.utf8.count)
    guard let slash = text.utf8[start...].firstIndex(of: UInt8(ascii: "/")) else { return text }
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
