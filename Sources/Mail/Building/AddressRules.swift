/// Validation of addresses for sending (RFC 5321 section 4.1.2, RFC 6531).
enum AddressRules {
  static let maximumLocalPart = 64
  static let maximumAddress = 254

  /// The problem with an address, as a predicate; nil if the address is valid.
  static func problem(_ address: String) -> String? {
    guard let at = address.utf8.lastIndex(of: ASCII.at) else {
      return "has an address without @"
    }
    guard address.utf8.count <= maximumAddress else {
      return "has an address longer than \(maximumAddress) bytes"
    }
    let local = address[..<at]
    let domain = address[address.utf8.index(after: at)...]
    guard !local.isEmpty, local.utf8.count <= maximumLocalPart, isLocalPart(local) else {
      return "has an address with an invalid part before the @"
    }
    guard isDomain(domain) else { return "has an address with an invalid domain" }
    return nil
  }

  /// A dot-atom or a quoted string.
  private static func isLocalPart(_ text: Substring) -> Bool {
    if text.hasPrefix("\"") { return isQuotedString(text) }
    return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { atom in
      !atom.isEmpty && atom.unicodeScalars.allSatisfy { isAtom($0) }
    }
  }

  private static func isQuotedString(_ text: Substring) -> Bool {
    guard text.utf8.count > 2, text.hasSuffix("\"") else { return false }
    var isEscaped = false
    for scalar in text.dropFirst().dropLast().unicodeScalars {
      guard isVisible(scalar) || scalar == " " else { return false }
      if scalar == "\"", !isEscaped { return false }
      isEscaped = scalar == "\\" && !isEscaped
    }
    return !isEscaped
  }

  private static func isDomain(_ text: Substring) -> Bool {
    if text.hasPrefix("[") {
      return text.hasSuffix("]") && text.utf8.count > 2
        && text.utf8.dropFirst().dropLast().allSatisfy {
          ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == ASCII.dot || $0 == ASCII.colon
            || $0 == ASCII.hyphen
        }
    }
    return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
      !label.isEmpty && label.utf8.count <= 63 && !label.hasPrefix("-") && !label.hasSuffix("-")
        && label.unicodeScalars.allSatisfy { scalar in
          scalar.isASCII
            ? scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == "-"
            : isVisible(scalar)
        }
    }
  }

  /// RFC 5322 section 3.2.3, RFC 6532 section 3.2.
  static func isAtom(_ scalar: Unicode.Scalar) -> Bool {
    guard scalar.isASCII else { return isVisible(scalar) }
    let byte = UInt8(scalar.value)
    return ASCII.isLetter(byte) || ASCII.isDigit(byte) || "!#$%&'*+-/=?^_`{|}~".utf8.contains(byte)
  }

  /// No control or format characters, no spaces, no unassigned characters.
  private static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .spaceSeparator, .lineSeparator,
      .paragraphSeparator:
      false
    default: true
    }
  }
}
