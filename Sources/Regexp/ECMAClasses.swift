/// The character classes that ECMA-262 names (sections 22.2.2.9 and 12.2).
enum ECMAClasses {
  typealias Item = CharacterClass.Item

  static let digit: [Item] = [.range("0"..."9")]
  static let word: [Item] = [
    .range("0"..."9"), .range("A"..."Z"), .range("_"..."_"), .range("a"..."z"),
  ]
  static let lineEnds: [Item] = [
    .range("\n"..."\n"), .range("\r"..."\r"), .range("\u{2028}"..."\u{2029}"),
  ]
  static let space: [Item] = [
    .range("\t"..."\r"), .range(" "..." "), .range("\u{A0}"..."\u{A0}"),
    .range("\u{1680}"..."\u{1680}"), .range("\u{2000}"..."\u{200A}"),
    .range("\u{2028}"..."\u{2029}"), .range("\u{202F}"..."\u{202F}"),
    .range("\u{205F}"..."\u{205F}"), .range("\u{3000}"..."\u{3000}"),
    .range("\u{FEFF}"..."\u{FEFF}"),
  ]
  static let any: [Item] = [.range("\0"..."\u{10FFFF}")]
  private static let ascii: [Item] = [.range("\0"..."\u{7F}")]

  /// The other scalars. The ranges are sorted and disjoint, and none borders on a surrogate.
  static func complement(of items: [Item]) -> [Item] {
    var others: [Item] = []
    var start: UInt32 = 0
    for case .range(let range) in items {
      append(start, range.lowerBound.value, to: &others)
      start = range.upperBound.value + 1
    }
    append(start, 0x11_0000, to: &others)
    return others
  }

  private static func append(_ start: UInt32, _ end: UInt32, to items: inout [Item]) {
    guard start < end, let first = Unicode.Scalar(start), let last = Unicode.Scalar(end - 1)
    else { return }
    items.append(.range(first...last))
  }

  /// `\p{name}`; nil for a property that is not supported. Scripts and most binary properties need
  /// tables that the standard library does not have.
  static func property(_ name: String, isNegated: Bool) -> [Item]? {
    switch name {
    case "Any": return isNegated ? [] : any
    case "ASCII": return isNegated ? complement(of: ascii) : ascii
    default: break
    }
    let parts = name.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 1 || (parts.count == 2 && ["General_Category", "gc"].contains(parts[0])),
      let category = parts.last,
      let set = CategorySet(named: category) ?? CategorySet(longName: category)
    else { return nil }
    return [.categories(isNegated ? set.inverted : set)]
  }
}

extension CategorySet {
  /// The long names of ECMA-262, by the short ones.
  private static let shortNames = [
    "Letter": "L", "Uppercase_Letter": "Lu", "Lowercase_Letter": "Ll", "Titlecase_Letter": "Lt",
    "Modifier_Letter": "Lm", "Other_Letter": "Lo", "Mark": "M", "Combining_Mark": "M",
    "Nonspacing_Mark": "Mn", "Spacing_Mark": "Mc", "Enclosing_Mark": "Me", "Number": "N",
    "Decimal_Number": "Nd", "digit": "Nd", "Letter_Number": "Nl", "Other_Number": "No",
    "Punctuation": "P", "punct": "P", "Connector_Punctuation": "Pc", "Dash_Punctuation": "Pd",
    "Open_Punctuation": "Ps", "Close_Punctuation": "Pe", "Initial_Punctuation": "Pi",
    "Final_Punctuation": "Pf", "Other_Punctuation": "Po", "Symbol": "S", "Math_Symbol": "Sm",
    "Currency_Symbol": "Sc", "Modifier_Symbol": "Sk", "Other_Symbol": "So", "Separator": "Z",
    "Space_Separator": "Zs", "Line_Separator": "Zl", "Paragraph_Separator": "Zp", "Other": "C",
    "Control": "Cc", "cntrl": "Cc", "Format": "Cf", "Private_Use": "Co", "Unassigned": "Cn",
  ]

  init?(longName: String) {
    if longName == "Cased_Letter" || longName == "LC" {
      self.init(rawValue: 0b111)
    } else if let short = Self.shortNames[longName] {
      self.init(named: short)
    } else {
      return nil
    }
  }
}
