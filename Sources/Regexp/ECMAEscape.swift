/// What follows a backslash: one character, or a class.
enum ECMAEscape {
  case character(Unicode.Scalar)
  case items([CharacterClass.Item])

  var items: [CharacterClass.Item] {
    switch self {
    case .character(let scalar): [.range(scalar...scalar)]
    case .items(let items): items
    }
  }

  /// Reads the escape after its backslash.
  static func parse(_ cursor: inout ScalarCursor) throws(RegexpError) -> ECMAEscape {
    guard let scalar = cursor.next() else { throw .syntax("ends with a backslash") }
    switch scalar {
    case "d": return .items(ECMAClasses.digit)
    case "D": return .items(ECMAClasses.complement(of: ECMAClasses.digit))
    case "w": return .items(ECMAClasses.word)
    case "W": return .items(ECMAClasses.complement(of: ECMAClasses.word))
    case "s": return .items(ECMAClasses.space)
    case "S": return .items(ECMAClasses.complement(of: ECMAClasses.space))
    case "p", "P": return .items(try property(&cursor, isNegated: scalar == "P"))
    case "t": return .character("\t")
    case "n": return .character("\n")
    case "v": return .character("\u{B}")
    case "f": return .character("\u{C}")
    case "r": return .character("\r")
    case "c":
      guard let letter = cursor.next(), letter.isASCII, letter.properties.isAlphabetic else {
        throw .syntax("has a \\c without a letter")
      }
      return .character(Unicode.Scalar(UInt8(letter.value & 0x1F)))
    case "x":
      guard let value = cursor.takeHex(2, 2) else {
        throw .syntax("has a \\x without two hexadecimal digits")
      }
      return .character(Unicode.Scalar(UInt8(value)))
    case "u": return .character(try unicode(&cursor))
    case "0":
      if let next = cursor.scalar, ("0"..."9").contains(next) {
        throw .unsupported("an octal escape")
      }
      return .character("\0")
    case "1"..."9": throw .unsupported("a back reference")
    case "k": throw .unsupported("a back reference")
    default:
      guard isPunctuation(scalar) else {
        throw .syntax("has an unknown escape: \\\(scalar.escaped(asASCII: true))")
      }
      return .character(scalar)
    }
  }

  private static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "!"..."/", ":"..."@", "["..."`", "{"..."~", " ": true
    default: false
    }
  }

  /// `{Lu}` after `\p`.
  private static func property(
    _ cursor: inout ScalarCursor, isNegated: Bool
  ) throws(RegexpError) -> [CharacterClass.Item] {
    var name = ""
    guard cursor.take("{") else { throw .syntax("has a \\p without a { after it") }
    while let scalar = cursor.scalar, scalar != "}" {
      guard scalar.isASCII, scalar.properties.isIDContinue || scalar == "=", name.utf8.count < 64
      else { throw .syntax("has an invalid Unicode property") }
      name.unicodeScalars.append(scalar)
      cursor.position += 1
    }
    guard cursor.take("}") else { throw .syntax("has a { without a }") }
    guard let items = ECMAClasses.property(name, isNegated: isNegated) else {
      throw .unsupported("the Unicode property \(name)")
    }
    return items
  }

  /// `{1F600}`, `00E9`, or a pair of surrogates, after `\u`.
  private static func unicode(_ cursor: inout ScalarCursor) throws(RegexpError) -> Unicode.Scalar {
    let value: UInt32
    if cursor.take("{") {
      guard let digits = cursor.takeHex(1, 8), cursor.take("}") else {
        throw .syntax("has a \\u{ without hexadecimal digits and a }")
      }
      value = digits
    } else {
      guard let unit = cursor.takeHex(4, 4) else {
        throw .syntax("has a \\u without four hexadecimal digits")
      }
      value = unit & 0xFC00 == 0xD800 ? pair(unit, &cursor) ?? unit : unit
    }
    guard let scalar = Unicode.Scalar(value) else {
      throw value > 0x10_FFFF
        ? .syntax("has a \\u above 10FFFF") : .unsupported("an unpaired surrogate")
    }
    return scalar
  }

  private static func pair(_ high: UInt32, _ cursor: inout ScalarCursor) -> UInt32? {
    let start = cursor.position
    if cursor.take("\\"), cursor.take("u"), let low = cursor.takeHex(4, 4),
      low & 0xFC00 == 0xDC00
    {
      return 0x10000 + ((high & 0x3FF) << 10 | (low & 0x3FF))
    }
    cursor.position = start
    return nil
  }
}
