import CCurl

/// A proxy that refuses to forward: a later attempt would be refused too.
struct ProxyRefusal {
  let reason: String
  let remedy: String

  /// Of a proxy that speaks HTTP.
  ///
  /// - Parameters:
  ///   - status: of its response.
  ///   - offers: the values of its Proxy-Authenticate headers.
  /// - Returns: nil if a later attempt may succeed.
  init?(status: Int, offers: [String], hasCredentials: Bool) {
    switch status {
    case 407: self = .unauthenticated(Self.schemes(in: offers), hasCredentials)
    case 408, 425, 429: return nil
    case 400..<500:
      self.init(
        reason: "the proxy refuses to connect to the server with status \(status)",
        remedy: Self.rules)
    default: return nil
    }
  }

  private static func unauthenticated(_ schemes: [String], _ hasCredentials: Bool) -> Self {
    let offered = schemes.isEmpty ? "no scheme" : schemes.joined(separator: ", ")
    if !schemes.isEmpty && !schemes.contains(where: { $0.lowercased() == "basic" }) {
      return Self(
        reason: "the proxy requires authentication and offers \(offered) (status 407); "
          + "only Basic is supported",
        remedy: "Enable Basic for the proxy, or use a local proxy that signs in to it.")
    }
    if hasCredentials {
      return Self(
        reason: "the proxy rejects the user name or password (status 407); it offers \(offered)",
        remedy: "Check the user name and password in the proxy URL.")
    }
    return Self(
      reason: "the proxy requires a user name and password (status 407); it offers \(offered)",
      remedy: "Add them to the proxy URL: http://user:password@host:port, percent-encoded.")
  }

  private init(reason: String, remedy: String) {
    (self.reason, self.remedy) = (reason, remedy)
  }

  /// Of a SOCKS proxy; nil if a later attempt may succeed.
  ///
  /// - Parameters:
  ///   - code: as CURLINFO_PROXY_ERROR.
  ///   - text: of libcurl.
  init?(socks code: CURLproxycode, text: String) {
    switch code {
    case CURLPX_USER_REJECTED, CURLPX_NO_AUTH, CURLPX_LONG_USER, CURLPX_LONG_PASSWD,
      CURLPX_IDENTD, CURLPX_IDENTD_DIFFER, CURLPX_GSSAPI, CURLPX_GSSAPI_PERMSG:
      remedy = "Check the user name and password in the proxy URL."
    case CURLPX_REPLY_NOT_ALLOWED:
      remedy = Self.rules
    case CURLPX_BAD_VERSION, CURLPX_BAD_ADDRESS_TYPE, CURLPX_REPLY_COMMAND_NOT_SUPPORTED,
      CURLPX_REPLY_ADDRESS_TYPE_NOT_SUPPORTED, CURLPX_UNKNOWN_MODE:
      remedy = "Check the scheme of the proxy URL."
    default: return nil
    }
    reason = "the proxy refuses: \(text)"
  }

  /// The schemes of Proxy-Authenticate (RFC 9110 section 11.7.1): each value is a list of challenges,
  /// a scheme before its parameters.
  private static func schemes(in offers: [String]) -> [String] {
    var schemes: [String] = []
    // Without quoted texts, which may contain commas.
    let bare = offers.map { offer in
      offer.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
        .filter { $0.offset % 2 == 0 }.map(\.element).joined()
    }
    for challenge in bare.flatMap({ $0.split(separator: ",") }) {
      let word = challenge.drop { $0 == " " }.prefix { $0.isLetter || $0.isNumber || $0 == "-" }
      let next = challenge.drop { $0 == " " }.dropFirst(word.count).first
      guard !word.isEmpty, word.utf8.count <= maximumSchemeCharacters, next == nil || next == " ",
        !schemes.contains(String(word)), schemes.count < maximumSchemes
      else { continue }
      schemes.append(String(word))
    }
    return schemes
  }

  private static let rules = "Allow the server in the rules of the proxy, or use another proxy."
  private static let maximumSchemes = 8
  private static let maximumSchemeCharacters = 32
}
