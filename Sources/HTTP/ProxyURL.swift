import Basics

/// The address and credentials of a proxy: `http://user:password@proxy.example:3128`.
///
/// Prints itself without the credentials.
public struct ProxyURL: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
  /// The proxy types that libcurl supports.
  static let schemes = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"]

  /// Scheme, host and port.
  public let address: String
  /// `user:password`, each with all special characters percent-encoded; nil if there is none.
  public let credentials: String?
  /// The password as written and percent-decoded. Neither may be shown.
  public var secrets: [String] { Credentials(of: text).secrets }
  private let text: String

  public var description: String { address }
  public var debugDescription: String { address }

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
    let credentials = Credentials(of: text)
    guard credentials.isEncoded else {
      throw BaseURL.InvalidURL(
        reason: "has one of @ # / ? % in its user name or password; percent-encode it: "
          + "%40 for @, %23 for #, %2F for /, %3F for ?, %25 for %")
    }
    let hostAndPort = credentials.rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    // Parsed as https, for which any host is allowed.
    _ = try BaseURL("https://\(hostAndPort)")
    self.text = text
    address = "\(text[..<separator.lowerBound].lowercased())://\(hostAndPort)"
    self.credentials = credentials.encoded
  }

  /// The passwords in a text that may be no valid proxy. None may be shown.
  static func secrets(in text: String) -> [String] { Credentials(of: text).secrets }

  /// The part before the last `@`: a raw one in a password must not make the rest of the password a
  /// host.
  private struct Credentials {
    let user: Substring?
    let password: Substring?
    let rest: Substring

    init(of text: String) {
      let whole = text.firstRange(of: "://").map { text[$0.upperBound...] } ?? text[...]
      guard let end = whole.lastIndex(of: "@") else {
        (user, password, rest) = (nil, nil, whole)
        return
      }
      let parts = whole[..<end].split(
        separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      user = parts[0]
      password = parts.count == 2 ? parts[1] : nil
      rest = whole[whole.index(after: end)...]
    }

    var secrets: [String] {
      password.map { [String($0), PercentEncoding.decode(String($0))] } ?? []
    }

    var encoded: String? {
      user.map { user in
        [user, password ?? ""].map { PercentEncoding.encode(PercentEncoding.decode(String($0))) }
          .joined(separator: ":")
      }
    }

    var isEncoded: Bool {
      [user, password].allSatisfy { part in
        let bytes = Array((part ?? "").utf8)
        return bytes.indices.allSatisfy { position in
          switch bytes[position] {
          case UInt8(ascii: "@"), UInt8(ascii: "#"), UInt8(ascii: "/"), UInt8(ascii: "?"): false
          case UInt8(ascii: "%"):
            position + 2 < bytes.count && Self.isHex(bytes[position + 1])
              && Self.isHex(bytes[position + 2])
          default: true
          }
        }
      }
    }

    private static func isHex(_ byte: UInt8) -> Bool { Character(UnicodeScalar(byte)).isHexDigit }
  }
}
