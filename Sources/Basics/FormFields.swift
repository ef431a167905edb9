/// Names and values in the order and number in which they came: the fields of a form
/// (`application/x-www-form-urlencoded`, URL standard section 5), the query of a URL.
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

  /// Nothing for no value.
  public mutating func append(_ name: String, _ value: String?) {
    if let value { all.append(Field(name, value)) }
  }

  /// The first value of that name.
  public subscript(name: String) -> String? { all.first { $0.name == name }?.value }

  /// The first name that stands twice, which OAuth forbids (RFC 6749 section 3.1): two parties that
  /// pick different ones of the values would disagree on what was said.
  public var repeatedName: String? {
    var seen: Set<String> = []
    return all.first { !seen.insert($0.name).inserted }?.name
  }

  // MARK: Text

  public var encoded: String {
    all.map { "\(FormEncoding.encode($0.name))=\(FormEncoding.encode($0.value))" }
      .joined(separator: "&")
  }

  /// Reads what a form sends. There is no text that it refuses: what is no escape stays, bytes that
  /// are not UTF-8 become U+FFFD.
  public init(decoding bytes: some Collection<UInt8>) {
    all = bytes.split(separator: UInt8(ascii: "&")).map { field in
      let parts = field.split(
        separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      return Field(
        FormEncoding.decode(parts[0]), parts.count > 1 ? FormEncoding.decode(parts[1]) : "")
    }
  }

  /// The query of a URL, as a user copies it out of the browser: what stands between the first `?`
  /// and `#`. No fields for none.
  public init(queryOf url: String) {
    let beforeFragment = url.utf8.prefix { $0 != UInt8(ascii: "#") }
    let query = beforeFragment.drop { $0 != UInt8(ascii: "?") }.dropFirst()
    self.init(decoding: query)
  }
}
