extension HTTPServer {
  /// Header fields in order of arrival. Names are case-insensitive.
  package struct Headers: Sendable, ExpressibleByDictionaryLiteral {
    package struct Field: Sendable {
      package var name: String
      package var value: String
    }

    package private(set) var fields: [Field] = []

    package init() {}

    package init(dictionaryLiteral elements: (String, String)...) {
      for (name, value) in elements { add(name, value) }
    }

    package mutating func add(_ name: String, _ value: String) {
      fields.append(Field(name: name, value: value))
    }

    /// The first field with that name.
    package subscript(name: String) -> String? {
      fields.first { Self.isSame($0.name, name) }?.value
    }

    /// All fields with that name.
    package func all(_ name: String) -> [String] {
      fields.filter { Self.isSame($0.name, name) }.map(\.value)
    }

    /// Whether a comma-separated list field (`Connection`, `Expect`) contains `token`.
    func lists(_ token: String, in name: String) -> Bool {
      all(name).contains { value in
        value.split(separator: ",").contains {
          Self.isSame(String($0.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " }), token)
        }
      }
    }

    private static func isSame(_ left: String, _ right: String) -> Bool {
      left.utf8.count == right.utf8.count
        && zip(left.utf8, right.utf8).allSatisfy { lowered($0) == lowered($1) }
    }

    private static func lowered(_ byte: UInt8) -> UInt8 {
      byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
    }
  }
}
