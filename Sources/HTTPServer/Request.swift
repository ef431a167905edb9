extension HTTPServer {
  /// A complete request.
  package struct Request: Sendable {
    package struct QueryItem: Sendable, Equatable {
      package var name: String
      package var value: String
    }

    /// As sent; upper case for all standard methods.
    package var method: String
    /// Percent-decoded: from the first slash to the question mark.
    package var path: String
    /// As sent, without the question mark; empty if there is none.
    package var queryText: String
    package var headers: Headers
    /// With chunks decoded.
    package var body: [UInt8]
    /// False for HTTP/1.0, which has no chunks and no keep-alive by default.
    var isVersion11: Bool

    /// A request that did not arrive on a connection, such as a part of a batch.
    ///
    /// - Parameter target: the path and query, percent-encoded as in a request line.
    package init(method: String, target: String, headers: Headers, body: [UInt8]) {
      let parts = target.utf8.split(
        separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
      self.init(
        method: method, path: PercentCoding.decode(parts[0]),
        queryText: parts.count > 1 ? String(decoding: Array(parts[1]), as: UTF8.self) : "",
        headers: headers, body: body, isVersion11: true)
    }

    init(
      method: String, path: String, queryText: String, headers: Headers, body: [UInt8],
      isVersion11: Bool
    ) {
      self.method = method
      self.path = path
      self.queryText = queryText
      self.headers = headers
      self.body = body
      self.isVersion11 = isVersion11
    }

    /// The query parameters in order, percent-decoded, with `+` as a space.
    package var query: [QueryItem] {
      queryText.utf8.split(separator: UInt8(ascii: "&")).map { item in
        let parts = item.split(
          separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
        return QueryItem(
          name: PercentCoding.decode(parts[0], plusIsSpace: true),
          value: parts.count > 1 ? PercentCoding.decode(parts[1], plusIsSpace: true) : "")
      }
    }

    /// The last parameter with that name, as in most server frameworks.
    package func query(_ name: String) -> String? { query.last { $0.name == name }?.value }

    var keepsAlive: Bool {
      if headers.lists("close", in: "Connection") { return false }
      return isVersion11 || headers.lists("keep-alive", in: "Connection")
    }
  }
}

/// Percent-encoded text (RFC 3986 section 2.1).
enum PercentCoding {
  /// Keeps a `%` that is not followed by two hexadecimal digits. Invalid UTF-8 becomes U+FFFD.
  static func decode(_ text: some Sequence<UInt8>, plusIsSpace: Bool = false) -> String {
    var decoded: [UInt8] = []
    let bytes = Array(text)
    var at = 0
    while at < bytes.count {
      if bytes[at] == UInt8(ascii: "%"), at + 2 < bytes.count,
        let high = HexDigit.value(bytes[at + 1]), let low = HexDigit.value(bytes[at + 2])
      {
        decoded.append(UInt8(high << 4 | low))
        at += 3
      } else {
        let isSpace = plusIsSpace && bytes[at] == UInt8(ascii: "+")
        decoded.append(isSpace ? UInt8(ascii: " ") : bytes[at])
        at += 1
      }
    }
    return String(decoding: decoded, as: UTF8.self)
  }
}

enum HexDigit {
  static func value(_ byte: UInt8) -> Int? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
  }
}
