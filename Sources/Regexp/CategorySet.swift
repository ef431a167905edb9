/// A set of Unicode general categories, one bit each.
struct CategorySet: OptionSet, Sendable {
  let rawValue: UInt32

  init(rawValue: UInt32) {
    self.rawValue = rawValue
  }

  /// An I-Regexp uses the Unicode names of the categories, except surrogates (`Cs`), which do not
  /// occur in text.
  private static let names = [
    "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi",
    "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Co", "Cn",
  ]

  /// The categories of a name such as `Lu`, or of a group such as `L` (RFC 9485 section 3,
  /// IsCategory); nil for another name.
  init?(named name: String) {
    guard (1...2).contains(name.utf8.count) else { return nil }
    var bits: UInt32 = 0
    for (bit, known) in Self.names.enumerated() where known.hasPrefix(name) { bits |= 1 << bit }
    guard bits != 0 else { return nil }
    self.init(rawValue: bits)
  }

  var inverted: CategorySet { CategorySet(rawValue: ~rawValue) }

  /// The set of one category. Its bit is its position in `names`.
  init(_ category: Unicode.GeneralCategory) {
    let bit: UInt32 =
      switch category {
      case .uppercaseLetter: 0
      case .lowercaseLetter: 1
      case .titlecaseLetter: 2
      case .modifierLetter: 3
      case .otherLetter: 4
      case .nonspacingMark: 5
      case .spacingMark: 6
      case .enclosingMark: 7
      case .decimalNumber: 8
      case .letterNumber: 9
      case .otherNumber: 10
      case .connectorPunctuation: 11
      case .dashPunctuation: 12
      case .openPunctuation: 13
      case .closePunctuation: 14
      case .initialPunctuation: 15
      case .finalPunctuation: 16
      case .otherPunctuation: 17
      case .mathSymbol: 18
      case .currencySymbol: 19
      case .modifierSymbol: 20
      case .otherSymbol: 21
      case .spaceSeparator: 22
      case .lineSeparator: 23
      case .paragraphSeparator: 24
      case .control: 25
      case .format: 26
      case .privateUse: 27
      case .unassigned, .surrogate: 28
      @unknown default: 28
      }
    self.init(rawValue: 1 << bit)
  }
}
