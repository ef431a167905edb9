/// Character sets of mail (RFC 2046 section 4.1.2).
package enum Charset {
  /// Decodes `bytes`. Never fails: invalid bytes become U+FFFD, and an unknown character set is
  /// read as UTF-8.
  package static func decode(_ bytes: some Collection<UInt8>, named name: String?) -> String {
    decode(bytes, ifKnown: name ?? "us-ascii") ?? String(decoding: bytes, as: UTF8.self)
  }

  /// Decodes text that its source has probably converted to UTF-8, while the header still names the
  /// sender's character set.
  ///
  /// Valid UTF-8 is UTF-8: text in another set is almost never valid. ASCII goes by the header only
  /// if it contains the shifts of a set that writes other characters with ASCII bytes.
  package static func decode(converted bytes: [UInt8], named name: String?) -> String {
    let isASCII = bytes.allSatisfy { $0 < 0x80 }
    let canonical = canonicalName(name ?? "")
    guard isASCII || bytes.contains(0) ? isShifted(bytes, canonical) : !isUTF8(bytes) else {
      return decode(bytes, named: "utf-8")
    }
    return decode(bytes, named: name)
  }

  private static func isUTF8(_ bytes: [UInt8]) -> Bool {
    String(validating: bytes, as: UTF8.self) != nil
  }

  private static func isShifted(_ bytes: [UInt8], _ charset: String) -> Bool {
    if ["iso-2022", "iso2022", "csiso2022"].contains(where: charset.hasPrefix) {
      return bytes.contains(0x1B) || bytes.contains(0x0E)
    }
    if charset.hasPrefix("hz") {
      return zip(bytes, bytes.dropFirst()).contains { $0 == UInt8(ascii: "~") && $1 == 0x7B }
    }
    if charset == "utf-7" { return bytes.contains(UInt8(ascii: "+")) }
    return bytes.contains(0) && !isUTF8(bytes)
      || ["utf-16", "utf-32", "ucs-"].contains { charset.hasPrefix($0) } && bytes.contains(0)
  }

  static func isKnown(_ name: String) -> Bool { decode([], ifKnown: name) != nil }

  /// Nil for an unknown character set.
  ///
  /// US-ASCII is read as UTF-8, which is often the real encoding. ISO-8859-1 is read as
  /// windows-1252, which differs only in control characters (as in the WHATWG Encoding Standard).
  static func decode(_ bytes: some Collection<UInt8>, ifKnown name: String) -> String? {
    let name = canonicalName(name)
    switch name {
    case "utf-8", "us-ascii": return String(decoding: withoutMark(bytes), as: UTF8.self)
    case "utf-16": return UTF16Text.decode(bytes, endian: nil)
    case "utf-16be": return UTF16Text.decode(bytes, endian: .big)
    case "utf-16le": return UTF16Text.decode(bytes, endian: .little)
    default: break
    }
    if let text = SingleByteCharsets.decode(bytes, name) { return text }
    return Iconv.decode(Array(bytes), from: name)
  }

  private static func withoutMark<Bytes: Collection<UInt8>>(_ bytes: Bytes) -> Bytes.SubSequence {
    bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
  }

  /// One name per character set, from the registered names and the variants seen in mail.
  private static func canonicalName(_ name: String) -> String {
    var name = name.lowercased().filter { !$0.isWhitespace && $0 != "\"" && $0 != "'" }
    if name.hasPrefix("x-") && !name.hasPrefix("x-mac") { name.removeFirst(2) }
    if let alias = aliases[name] { return alias }
    for (prefix, canonical) in prefixes {
      guard name.hasPrefix(prefix) else { continue }
      var rest = name.dropFirst(prefix.count)
      while let first = rest.first, first == "-" || first == "_" { rest = rest.dropFirst() }
      // Also `iso-8859-8-i` and `iso-8859-1:1987`.
      let number = rest.prefix { $0.isASCII && $0.isNumber }
      if !number.isEmpty {
        let found = canonical + number
        return found == "iso-8859-1" ? "windows-1252" : found
      }
    }
    return name
  }

  private static let prefixes = [
    ("iso-8859", "iso-8859-"), ("iso8859", "iso-8859-"), ("iso_8859", "iso-8859-"),
    ("windows-125", "windows-125"), ("windows125", "windows-125"), ("cp-125", "windows-125"),
    ("cp125", "windows-125"),
  ]

  private static let aliases = [
    "": "us-ascii", "ascii": "us-ascii", "ansi_x3.4-1968": "us-ascii", "iso646-us": "us-ascii",
    "646": "us-ascii", "unknown-8bit": "us-ascii", "8bit": "us-ascii", "default": "us-ascii",
    "utf8": "utf-8", "unicode-1-1-utf-8": "utf-8", "utf-8n": "utf-8", "utf8mb4": "utf-8",
    "utf16": "utf-16", "utf16le": "utf-16le", "utf16be": "utf-16be", "unicode": "utf-16",
    "iso-10646-ucs-2": "utf-16", "ucs-2": "utf-16", "ucs-2be": "utf-16be", "ucs-2le": "utf-16le",
    "latin1": "windows-1252", "latin-1": "windows-1252", "l1": "windows-1252",
    "ansi": "windows-1252", "latin2": "iso-8859-2", "latin5": "iso-8859-9",
    "latin9": "iso-8859-15", "latin-9": "iso-8859-15", "koi8r": "koi8-r", "koi8u": "koi8-u",
    "tis-620": "iso-8859-11", "windows-874": "cp874", "macintosh": "macintosh",
    "mac": "macintosh", "x-mac-roman": "macintosh", "x-mac-cyrillic": "mac-cyrillic",
    // The Microsoft sets are supersets of the sets named in these labels.
    "ks_c_5601-1987": "uhc", "ks_c_5601-1989": "uhc", "ksc5601": "uhc", "ksc_5601": "uhc",
    "euc-kr": "uhc", "euckr": "uhc", "cp949": "uhc", "korean": "uhc", "windows-949": "uhc",
    "gb2312": "gb18030", "gbk": "gb18030", "gb_2312-80": "gb18030", "euc-cn": "gb18030",
    "cp936": "gb18030", "chinese": "gb18030", "big5": "big5-hkscs", "cn-big5": "big5-hkscs",
    "cp950": "cp950", "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932",
    "ms_kanji": "cp932", "windows-31j": "cp932", "eucjp": "euc-jp", "unicode-1-1-utf-7": "utf-7",
    "utf7": "utf-7",
  ]
}

extension SingleByteCharsets {
  static func decode(_ bytes: some Collection<UInt8>, _ name: String) -> String? {
    guard let upper = upperHalf(name) else { return nil }
    let encoded = upper.map { Array(String($0).utf8) }
    // The tables of the ISO sets omit the 32 control characters.
    let first = 256 - upper.count
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count + bytes.count / 8)
    for byte in bytes {
      if byte < 0x80 {
        text.append(byte)
      } else if Int(byte) < first {
        text += [0xC2, byte]
      } else {
        text += encoded[Int(byte) - first]
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
