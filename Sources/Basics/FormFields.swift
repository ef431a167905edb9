/// Ordered name-value pairs; names may repeat. Used for forms (`application/x-www-form-urlencoded`,
/// URL standard section 5) and for the query of a URL.
public struct FormFields: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  public struct Field: Sendable, Equatable {
    public var name: String
    public var value: String

    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  public private(set) var all: [Field] = []

  public init() {}

  public init(dictionaryLiteral fields: (String, String)...) {
    all = fields.map { Field($0.0, $0.1) }
  }

  /// Appends nothing if `value` is nil.
  public mutating func append(_ name: String, _ value: String?) {
    if let value { all.append(Field(name, value)) }
  }

  /// The first value with that name.
  public subscript(name: String) -> String? { all.first { $0.name == name }?.value }

  /// The first name that occurs twice. OAuth forbids repeated names (RFC 6749 section 3.1): two
  /// parties that read different values would disagree about the request.
  public var repeatedName: String? {
    var seen: Set<String> = []
    return all.first { !seen.insert($0.name).inserted }?.name
  }

  // MARK: Text

  public var encoded: String {
    all.map { "\(FormEncoding.encode($0.name))=\(FormEncoding.encode($0.value))" }
      .joined(separator: "&")
  }

  /// Decodes a form. Never fails: an invalid escape stays as it is, and bytes that are not UTF-8
  /// become U+FFFD.
  public init(decoding bytes: some Collection<UInt8>) {
    all = bytes.split(separator: UInt8(ascii: "&")).map { field in
      let parts = field.split(
        separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      return Field(
        FormEncoding.decode(parts[0]), parts.count > 1 ? FormEncoding.decode(parts[1]) : "")
    }
  }

  /// Decodes the query of a URL that a user copied from a browser: the part between the first `?`
  /// and `#`. Without a query there are no fields.
  public init(queryOf url: String) {
    let beforeFragment = url.utf8.prefix { $0 != UInt8(ascii: "#") }
    let query = beforeFragment.drop { $0 != UInt8(ascii: "?") }.dropFirst()
    self.init(decoding: query)
  }
}
