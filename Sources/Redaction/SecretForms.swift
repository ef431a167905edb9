import Basics
import JSON

/// The encoded forms of a secret, as different programs write them.
enum SecretForms {
  private static let hexDigits = [PercentEncoding.hexDigits, Array("0123456789abcdef".utf8)]

  static func all(of secret: String) -> [[UInt8]] {
    let plain = Array(secret.utf8)
    let json = jsonForms(secret)
    let percent = percentForms(plain)
    let forms =
      [plain] + json + percent + percent.map(percentTwice) + htmlForms(secret) + hexForms(plain)
      + base64(plain) + Set(json).flatMap(base64)
    var seen: Set<[UInt8]> = []
    return forms.filter { $0.count >= Redactor.minimumBytes && seen.insert($0).inserted }
  }

  // MARK: JSON

  /// The content of a JSON string: with the minimal escapes (this program, JavaScript), with HTML
  /// characters escaped (Go), with all non-ASCII characters escaped (Python, PHP), and each of
  /// these with escaped slashes (PHP).
  private static func jsonForms(_ secret: String) -> [[UInt8]] {
    let isUnchanged = secret.utf8.allSatisfy {
      (0x20...0x7E).contains($0) && !"\"\\/<>&".utf8.contains($0)
    }
    guard !isUnchanged else { return [] }
    let bare = jsonForm(secret, uppercase: false) { $0 < 0x20 }
    let own = JSONFragment { $0.string(secret) }.text.dropFirst().dropLast()
    let forms =
      [bare, String(own)]
      + [false, true].flatMap { uppercase in
        [
          jsonForm(secret, uppercase: uppercase) { $0 < 0x20 || "<>&".utf16.contains($0) },
          jsonForm(secret, uppercase: uppercase) { $0 < 0x20 || $0 > 0x7E },
        ]
      }
    return forms.flatMap { form in
      [form, form.split(separator: "/", omittingEmptySubsequences: false).joined(separator: "\\/")]
        .map { Array($0.utf8) }
    }
  }

  private static func jsonForm(
    _ secret: String, uppercase: Bool, escaping isEscaped: (UInt16) -> Bool
  ) -> String {
    var form = ""
    for scalar in secret.unicodeScalars {
      switch scalar {
      case "\"": form += "\\\""
      case "\\": form += "\\\\"
      case "\n": form += "\\n"
      case "\r": form += "\\r"
      case "\t": form += "\\t"
      default:
        for unit in UTF16.encode(scalar) ?? .init() where isEscaped(unit) {
          let digits = String(unit, radix: 16, uppercase: uppercase)
          form += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
        if !isEscaped(UTF16.encode(scalar)?.first ?? 0) { form.unicodeScalars.append(scalar) }
      }
    }
    return form
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

  // MARK: HTML

  /// The references for the five characters that HTML writers escape: those of Go, Python, PHP and
  /// JavaScript libraries.
  private static let htmlReferences: [(quote: String, apostrophe: String)] = [
    ("\"", "'"), ("&quot;", "'"), ("&quot;", "&#x27;"), ("&quot;", "&#039;"), ("&quot;", "&#39;"),
    ("&quot;", "&apos;"), ("&#34;", "&#39;"), ("&#x22;", "&#x27;"), ("&#x22;", "&#X27;"),
  ]

  private static func htmlForms(_ secret: String) -> [[UInt8]] {
    let isUnchanged = secret.utf8.allSatisfy { $0 < 0x80 && !"&<>\"'".utf8.contains($0) }
    guard !isUnchanged else { return [] }
    let others: [(Unicode.Scalar) -> String] = [
      { String($0) }, { "&#\($0.value);" }, { "&#x\(String($0.value, radix: 16));" },
      { "&#x\(String($0.value, radix: 16, uppercase: true));" },
    ]
    return htmlReferences.flatMap { references in
      others.map { other in
        let form = secret.unicodeScalars.map { scalar in
          switch scalar {
          case "&": "&amp;"
          case "<": "&lt;"
          case ">": "&gt;"
          case "\"": references.quote
          case "'": references.apostrophe
          default: scalar.isASCII ? String(scalar) : other(scalar)
          }
        }
        return Array(form.joined().utf8)
      }
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
