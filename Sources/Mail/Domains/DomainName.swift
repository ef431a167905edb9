// For the normalization form C of a text, which the standard library has no other name for.
@_spi(_Unicode) import Swift

/// Domain names in other scripts than ASCII (IDNA2008, RFC 5890 to 5894).
enum DomainName {
  /// Of a label, in bytes (RFC 1035 section 2.3.4).
  static let maximumLabel = 63

  /// The domain with A-labels: `xn--bcher-kva.example` for `Bücher.example`. ASCII labels are kept.
  ///
  /// - Throws: the problem with a label, as a predicate of the address.
  static func ascii(_ domain: Substring) throws(DomainProblem) -> String {
    var labels: [String] = []
    for label in domain.unicodeScalars.split(separator: ".", omittingEmptySubsequences: false) {
      labels.append(label.allSatisfy(\.isASCII) ? String(label) : try aLabel(String(label)))
    }
    return labels.joined(separator: ".")
  }

  /// RFC 5891 section 4. In lower case and normalization form C, as RFC 5895 section 2 maps the input
  /// of users. Not checked: the direction of the text (RFC 5893).
  private static func aLabel(_ text: String) throws(DomainProblem) -> String {
    let scalars = Array(text.lowercased()._nfc)
    guard let first = scalars.first, scalars.count <= maximumLabel else { throw .tooLong }
    guard first != "-", scalars.last != "-", !scalars.dropFirst(2).starts(with: ["-", "-"]) else {
      throw .hyphens
    }
    switch first.properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark: throw .disallowed(first)
    default: break
    }
    for (position, scalar) in scalars.enumerated() {
      guard LabelScalar.isAllowed(scalar, at: position, in: scalars) else {
        throw .disallowed(scalar)
      }
    }
    let label = "xn--" + Punycode.encode(scalars)
    guard label.utf8.count <= maximumLabel else { throw .tooLong }
    return label
  }
}

/// Why a domain cannot be looked up.
struct DomainProblem: Error {
  /// A predicate of the address.
  let reason: String

  static let tooLong = DomainProblem(
    reason: "has a domain with a label longer than \(DomainName.maximumLabel) bytes in ASCII")
  static let hyphens = DomainProblem(reason: "has a domain with a label that has invalid hyphens")

  static func disallowed(_ scalar: Unicode.Scalar) -> DomainProblem {
    let code = String(scalar.value, radix: 16, uppercase: true)
    let padding = String(repeating: "0", count: max(4 - code.count, 0))
    return DomainProblem(
      reason: "has a domain with a character that domain names must not have: U+\(padding)\(code)")
  }
}

/// Which characters a label may have (RFC 5892), computed from the properties of the character.
private enum LabelScalar {
  /// PVALID although their folded form differs, or they are no letters (section 2.6).
  private static let exceptions: Set<Unicode.Scalar> = [
    "\u{DF}", "\u{3C2}", "\u{6FD}", "\u{6FE}", "\u{F0B}", "\u{3007}",
  ]
  /// DISALLOWED although they are letters or marks (section 2.6).
  private static let disallowed: Set<Unicode.Scalar> = [
    "\u{640}", "\u{7FA}", "\u{302E}", "\u{302F}", "\u{3031}", "\u{3032}", "\u{3033}", "\u{3034}",
    "\u{3035}", "\u{303B}",
  ]
  private static let virama = Unicode.CanonicalCombiningClass.virama

  static func isAllowed(
    _ scalar: Unicode.Scalar, at position: Int, in label: [Unicode.Scalar]
  ) -> Bool {
    if scalar.isASCII {
      return ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar) || scalar == "-"
    }
    if exceptions.contains(scalar) { return true }
    switch scalar {
    // The joiners, behind a virama (appendix A.1 and A.2).
    case "\u{200C}", "\u{200D}":
      return position > 0 && label[position - 1].properties.canonicalCombiningClass == virama
    // The middle dot, between two l (A.3), and that of Katakana, beside its script (A.7).
    case "\u{B7}":
      return position > 0 && position + 1 < label.count && label[position - 1] == "l"
        && label[position + 1] == "l"
    case "\u{30FB}": return label.contains(where: isJapanese)
    default: break
    }
    guard !disallowed.contains(scalar), !scalar.properties.changesWhenNFKCCaseFolded else {
      return false
    }
    switch scalar.properties.generalCategory {
    case .lowercaseLetter, .otherLetter, .modifierLetter, .nonspacingMark, .spacingMark,
      .decimalNumber:
      return true
    default: return false
    }
  }

  /// Hiragana, Katakana or Han.
  private static func isJapanese(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x3041...0x309F, 0x30A1...0x30FA, 0x30FC...0x30FF, 0x3400...0x9FFF, 0x20000...0x3FFFF: true
    default: false
    }
  }
}
