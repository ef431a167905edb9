/// One header field (RFC 5322 section 2.2).
package struct MailHeader: Sendable {
  /// The name as the sender wrote it.
  package let name: String
  /// The raw value after the colon: folded and encoded, without its last line break.
  package let raw: ArraySlice<UInt8>
  /// Whether the field was longer than a limit.
  let isTruncated: Bool

  /// Maximum length of a value in bytes. Programs that send mail limit a field, or all of them, to 100
  /// KiB to 1 MiB; a mail inside a mail may have any.
  static let maximumBytes = 256 * 1_024
  /// Maximum length of a name in bytes. RFC 5322 limits a line to 998 characters.
  static let maximumNameBytes = 1_024

  /// Not truncated, for parameters: what is behind the limit may decide how other programs read a
  /// mail.
  private let whole: ArraySlice<UInt8>
  /// Whether the source has already decoded the encoded words.
  private let isDecoded: Bool

  /// Longer names and values are truncated.
  init(name: String, raw: ArraySlice<UInt8>, isDecoded: Bool = false) {
    self.isDecoded = isDecoded
    self.name = name
    self.raw = raw.prefix(Self.maximumBytes)
    whole = raw
    isTruncated = raw.count > Self.maximumBytes
  }

  /// The value parsed with parameters, such as a Content-Type (RFC 2045 section 5.1).
  package var parameterized: ParameterizedValue {
    ParameterizedValue(HeaderText.unfold(whole))
  }

  /// The value on one line, with encoded words decoded (RFC 2047), without surrounding white space.
  ///
  /// UTF-8 is accepted (RFC 6532); other non-ASCII bytes become U+FFFD. Text that looks like an
  /// encoded word stays if the source has already decoded the value: it is the text.
  package var value: String {
    let text = HeaderText.unfold(raw)
    return isDecoded ? HeaderText.onOneLine(text) : EncodedWords.decode(text)
  }

  /// Whether the field has that name, ignoring case.
  package func isNamed(_ name: String) -> Bool { ASCII.equalsWithoutCase(self.name, name) }
}

/// The header fields of a mail or a part, in order.
package struct MailHeaders: Sendable, RandomAccessCollection {
  private let fields: [MailHeader]

  init(_ fields: [MailHeader]) { self.fields = fields }

  package var startIndex: Int { 0 }
  package var endIndex: Int { fields.count }
  package subscript(position: Int) -> MailHeader { fields[position] }

  /// The first field with that name, ignoring case.
  package subscript(name: String) -> MailHeader? { first { $0.isNamed(name) } }

  /// The decoded value of the first field with that name; nil if there is none.
  package func value(_ name: String) -> String? { self[name]?.value }

  /// The decoded values of all fields with that name.
  package func values(_ name: String) -> [String] {
    compactMap { $0.isNamed(name) ? $0.value : nil }
  }

  /// All mailboxes in the fields with that name, including those in groups (RFC 5322 section 3.4).
  package func addresses(_ name: String) -> [MailAddress] {
    filter { $0.isNamed(name) }.flatMap { $0.addressList.flatMap(\.mailboxes) }
  }

  /// The time in the first field with that name (RFC 5322 section 3.3); nil if it is absent or
  /// invalid.
  package func date(_ name: String) -> MailDate? { self[name].flatMap { MailDate($0.raw) } }
}

extension MailHeader {
  /// The value parsed as an address list.
  package var addressList: [MailAddressEntry] { AddressParser.parse(HeaderText.unfold(raw)) }
}
