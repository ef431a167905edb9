import JSON

/// What the body of a response is.
extension HTTPResponse {
  private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

  /// The body as JSON. A byte order mark before it is ignored, as RFC 8259 section 8.1 allows.
  ///
  /// - Throws: the first error, with its offset in the body.
  public func json() throws(JSONError) -> JSON {
    guard hasByteOrderMark else { return try JSON.parse(body) }
    do throws(JSONError) {
      return try JSON.parse(Array(body.dropFirst(Self.byteOrderMark.count)))
    } catch {
      var error = error
      error.offset += Self.byteOrderMark.count
      throw error
    }
  }

  /// Whether the body starts with a byte order mark, which its JSON does not contain.
  public var hasByteOrderMark: Bool { body.starts(with: Self.byteOrderMark) }

  /// Whether the body is a page for people, in HTML or XML, whatever its status: of a firewall, a proxy or
  /// another server. The APIs answer in JSON.
  public var isPage: Bool { firstByte == UInt8(ascii: "<") }

  /// Whether the body is meant to be JSON, but may be damaged.
  public var looksLikeJSON: Bool {
    firstByte == UInt8(ascii: "{") || firstByte == UInt8(ascii: "[")
  }

  private var firstByte: UInt8? {
    let start = hasByteOrderMark ? Self.byteOrderMark.count : 0
    return body.dropFirst(start).first { ![0x09, 0x0A, 0x0D, 0x20].contains($0) }
  }
}
