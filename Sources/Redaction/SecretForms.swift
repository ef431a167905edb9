import Basics
import JSON

/// The encoded forms of a secret, as different programs write them.
///
/// The escapes of JSON and HTML are not among them: `DecodedText` undoes these, whatever was escaped.
enum SecretForms {
  private static let hexDigits = [PercentEncoding.hexDigits, Array("0123456789abcdef".utf8)]

  static func all(of secret: String) -> [[UInt8]] {
    let plain = Array(secret.utf8)
    let percent = percentForms(plain)
    let forms =
      [plain] + decodedForms(plain) + percent + percent.map(percentTwice) + hexForms(plain)
      + base64(plain) + jsonForms(plain).flatMap(base64)
    return forms.filter { $0.count >= Redactor.minimumBytes }.withoutDuplicates()
  }

  // MARK: Escapes

  /// The secret as it looks when its own text is taken for escapes: `&amp;` in a secret becomes `&`
  /// when the text around it is decoded.
  private static func decodedForms(_ plain: [UInt8]) -> [[UInt8]] {
    var forms: [[UInt8]] = []
    while forms.count < SecretSearch.decodingRounds {
      let decoded = (forms.last ?? plain).withUnsafeBufferPointer { DecodedText($0)?.bytes }
      guard let decoded else { break }
      forms.append(decoded)
    }
    return forms
  }

  private enum Escapes {
    /// The minimal escapes (this program, JavaScript).
    case required
    /// HTML characters too (Go).
    case html
    /// All non-ASCII characters too (Python, PHP).
    case nonASCII
  }

  /// The content of a JSON string inside another encoding, each with and without escaped slashes (PHP).
  private static func jsonForms(_ plain: [UInt8]) -> [[UInt8]] {
    let isUnchanged = plain.allSatisfy {
      (0x20...0x7E).contains($0) && !"\"\\/<>&".utf8.contains($0)
    }
    guard !isUnchanged else { return [] }
    let text = String(decoding: plain, as: UTF8.self)
    let own = JSONFragment { $0.string(text) }.bytes.dropFirst().dropLast()
    var forms = [Array(own), jsonForm(text, .required, hexDigits[1])]
    for digits in hexDigits {
      forms.append(jsonForm(text, .html, digits))
      forms.append(jsonForm(text, .nonASCII, digits))
    }
    return (forms + forms.map(escapingSlashes)).withoutDuplicates()
  }

  private static func jsonForm(_ text: String, _ escapes: Escapes, _ digits: [UInt8]) -> [UInt8] {
    var form: [UInt8] = []
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": form += #"\""#.utf8
      case "\\": form += #"\\"#.utf8
      case "\n": form += #"\n"#.utf8
      case "\r": form += #"\r"#.utf8
      case "\t": form += #"\t"#.utf8
      default:
        let isEscaped =
          switch escapes {
          case .required: scalar.value < 0x20
          case .html: scalar.value < 0x20 || "<>&".unicodeScalars.contains(scalar)
          case .nonASCII: scalar.value < 0x20 || scalar.value > 0x7E
          }
        guard isEscaped else {
          form += UTF8.encode(scalar) ?? .init()
          continue
        }
        for unit in UTF16.encode(scalar) ?? .init() {
          form += #"\u"#.utf8
          for shift in [12, 8, 4, 0] as [UInt16] { form.append(digits[Int(unit >> shift & 0xF)]) }
        }
      }
    }
    return form
  }

  private static func escapingSlashes(_ form: [UInt8]) -> [UInt8] {
    var escaped: [UInt8] = []
    for byte in form {
      if byte == UInt8(ascii: "/") { escaped.append(UInt8(ascii: "\\")) }
      escaped.append(byte)
    }
    return escaped
  }

  // MARK: Percent-encoding

  /// Characters that encoders leave unescaped: the unreserved characters (RFC 3986), those of
  /// paths, of `encodeURIComponent` and of `encodeURI`. The form with every byte escaped is added
  /// below.
  private static let unescapedSets = ["-._~", "-._~/", "-._~!'()*", "-._~;,/?:@&=+$#!'()*"]

  private static func percentForms(_ plain: [UInt8]) -> [[UInt8]] {
    let isUnchanged = plain.allSatisfy { isAlphanumeric($0) || "-._~".utf8.contains($0) }
    return hexDigits.flatMap { digits in
      let all = percentForm(plain, digits) { _ in false }
      if isUnchanged { return [all] }
      let forms = unescapedSets.map { kept in
        percentForm(plain, digits) { isAlphanumeric($0) || kept.utf8.contains($0) }
      }
      return forms + [
        all,
        // Forms (application/x-www-form-urlencoded) write a space as a plus.
        percentForm(plain, digits, space: [UInt8(ascii: "+")]) {
          isAlphanumeric($0) || "-._~".utf8.contains($0)
        },
        percentForm(plain, digits, space: [UInt8(ascii: "+")]) {
          isAlphanumeric($0) || "-._*".utf8.contains($0)
        },
      ]
    }
  }

  private static func percentForm(
    _ plain: [UInt8], _ digits: [UInt8], space: [UInt8]? = nil, keeping isKept: (UInt8) -> Bool
  ) -> [UInt8] {
    var form: [UInt8] = []
    form.reserveCapacity(3 * plain.count)
    for byte in plain {
      if byte == UInt8(ascii: " "), let space {
        form += space
      } else if isKept(byte) {
        form.append(byte)
      } else {
        form.append(UInt8(ascii: "%"))
        form.append(digits[Int(byte >> 4)])
        form.append(digits[Int(byte & 0xF)])
      }
    }
    return form
  }

  private static func percentTwice(_ form: [UInt8]) -> [UInt8] {
    var twice: [UInt8] = []
    twice.reserveCapacity(2 * form.count)
    for byte in form {
      twice.append(byte)
      if byte == UInt8(ascii: "%") { twice += "25".utf8 }
    }
    return twice
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }

  // MARK: Hexadecimal

  private static func hexForms(_ plain: [UInt8]) -> [[UInt8]] {
    hexDigits.map { digits in
      var form: [UInt8] = []
      form.reserveCapacity(2 * plain.count)
      for byte in plain {
        form.append(digits[Int(byte >> 4)])
        form.append(digits[Int(byte & 0xF)])
      }
      return form
    }
  }

  // MARK: Base64

  /// The characters of the encoding that do not depend on the bytes before and after the secret,
  /// for each of its three alignments in a group of three bytes.
  private static func base64(_ plain: [UInt8]) -> [[UInt8]] {
    [Base64.Alphabet.standard, .urlSafe].flatMap { alphabet in
      (0..<3).map { shift in
        let padded = [UInt8](repeating: 0, count: shift) + plain
        let text = Array(Base64.encode(padded, alphabet: alphabet, padded: false).utf8)
        let leading = (shift * 8 + 5) / 6
        let trailing = padded.count % 3 == 0 ? 0 : 1
        return Array(text.dropFirst(leading).dropLast(trailing))
      }
    }
  }
}

extension [[UInt8]] {
  /// Hashes whole forms: an array hashes byte by byte.
  fileprivate func withoutDuplicates() -> [[UInt8]] {
    var seen: [Int: [[UInt8]]] = [:]
    return filter { form in
      var hasher = Hasher()
      form.withUnsafeBytes { hasher.combine(bytes: $0) }
      let hash = hasher.finalize()
      guard seen[hash]?.contains(form) != true else { return false }
      seen[hash, default: []].append(form)
      return true
    }
  }
}
