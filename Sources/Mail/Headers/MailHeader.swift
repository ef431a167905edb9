/// One header field (RFC 5322 section 2.2).
package struct MailHeader: Sendable {
  /// As the sender wrote it.
  package let name: String
  /// Behind the colon, as it arrived: folded and encoded, without its last line break.
  package let raw: ArraySlice<UInt8>

  /// On one line, its encoded words decoded (RFC 2047), without white space around it.
  ///
  /// UTF-8 is read as it stands (RFC 6532); other bytes beyond ASCII become U+FFFD.
  package var value: String { EncodedWords.decode(HeaderText.unfold(raw)) }

  /// Whether this is the field of that name, in whatever case.
  package func isNamed(_ name: String) -> Bool { ASCII.equalsWithoutCase(self.name, name) }
}

/// The header fields of a mail or of one part of it, in their order.
package struct MailHeaders: Sendable, RandomAccessCollection {
  private let fields: [MailHeader]

  init(_ fields: [MailHeader]) { self.fields = fields }

  package var startIndex: Int { 0 }
  package var endIndex: Int { fields.count }
  package subscript(position: Int) -> MailHeader { fields[position] }

  /// The first field of that name, in whatever case.
  package subscript(name: String) -> MailHeader? { first { $0.isNamed(name) } }

  /// The decoded value of the first field of that name; nil where there is none.
  package func value(_ name: String) -> String? { self[name]?.value }

  /// The decoded values of all fields of that name.
  package func values(_ name: String) -> [String] {
    compactMap { $0.isNamed(name) ? $0.value : nil }
  }

  /// All mailboxes of the fields of that name, also those in groups (RFC 5322 section 3.4).
  package func addresses(_ name: String) -> [MailAddress] {
    filter { $0.isNamed(name) }.flatMap { $0.addressList.flatMap(\.mailboxes) }
  }

  /// The time of the first field of that name (RFC 5322 section 3.3); nil where there is none that
  /// can be read.
  package func date(_ name: String) -> MailDate? { self[name].flatMap { MailDate($0.raw) } }
}

extension MailHeader {
  /// The value read as a list of addresses.
  package var addressList: [MailAddressEntry] { AddressParser.parse(HeaderText.unfold(raw)) }

  /// The value read as one with parameters, such as a Content-Type (RFC 2045 section 5.1).
  package var parameterized: ParameterizedValue {
    ParameterizedValue(HeaderText.unfold(raw))
  }
}
