import Basics

/// Textual encodings of keys (RFC 7468), as people paste them.
///
/// Not read by libcrypto: its reader prompts for a passphrase on the terminal, and its errors do
/// not say what is wrong.
struct PEM {
  /// For example `PRIVATE KEY`.
  var label: String
  /// The text between the BEGIN and END lines.
  private var body: Substring

  /// The blocks of a text, in order. Text around the blocks is ignored. Line breaks may be spaces,
  /// or the two characters `\n`, as in a value copied from JSON.
  static func blocks(in text: String) throws(KeyError) -> [PEM] {
    let text = withLineBreaks(text)
    var rest = text[...]
    var blocks: [PEM] = []
    while let begin = rest.firstRange(of: "-----BEGIN ") {
      rest = rest[begin.upperBound...]
      guard let hyphens = rest.firstRange(of: "-----") else { throw .truncated }
      let label = String(rest[..<hyphens.lowerBound])
      rest = rest[hyphens.upperBound...]
      guard let end = rest.firstRange(of: "-----END \(label)-----") else { throw .truncated }
      blocks.append(PEM(label: label, body: rest[..<end.lowerBound]))
      rest = rest[end.upperBound...]
    }
    guard !blocks.isEmpty else { throw .noPEM }
    return blocks
  }

  /// The first block with one of the labels.
  static func block(
    in text: String, labelled labels: [String], of wanted: String
  ) throws(KeyError) -> PEM {
    let blocks = try blocks(in: text)
    if let block = blocks.first(where: { labels.contains($0.label) }) {
      // The header of RFC 1421: Proc-Type: 4,ENCRYPTED.
      if block.body.contains(",ENCRYPTED") { throw .encrypted }
      return block
    }
    let others = Set(blocks.map(\.label))
    if others.contains("ENCRYPTED PRIVATE KEY") { throw .encrypted }
    if !others.isDisjoint(with: ["EC PRIVATE KEY", "DSA PRIVATE KEY"]) { throw .notRSA }
    throw .otherPEM(wanted)
  }

  /// The DER (ITU-T X.690) in the block: exactly one sequence.
  func der() throws(KeyError) -> [UInt8] {
    let digits = body.utf8.filter { ![0x09, 0x0A, 0x0D, 0x20].contains($0) }
    let decoded: Result<[UInt8], Base64Error> = digits.withUnsafeBufferPointer { digits in
      Result { () throws(Base64Error) in try Base64.decode(digits) }
    }
    guard let der = try? decoded.get() else {
      throw .damaged("is not Base64 between its BEGIN and END lines")
    }
    guard let length = Self.sequenceLength(der) else {
      throw .damaged("has no ASN.1 sequence between its BEGIN and END lines")
    }
    if length > der.count { throw .truncated }
    if length < der.count { throw .damaged("has bytes after the end of its ASN.1 sequence") }
    return der
  }

  private static func withLineBreaks(_ text: String) -> String {
    guard text.utf8.contains(UInt8(ascii: "\\")) else { return text }
    return text.replacing(#"\r"#, with: "").replacing(#"\n"#, with: "\n")
      .replacing(#"\"#, with: "")
  }

  /// The length of a sequence in bytes, including its header; nil if the bytes do not start with
  /// one.
  private static func sequenceLength(_ der: [UInt8]) -> Int? {
    guard der.count >= 2, der[0] == 0x30 else { return nil }
    if der[1] < 0x80 { return 2 + Int(der[1]) }
    let lengthBytes = Int(der[1] & 0x7F)
    // Four length bytes allow 4 GiB.
    guard (1...4).contains(lengthBytes), der.count >= 2 + lengthBytes else { return nil }
    return der[2..<2 + lengthBytes].reduce(0) { $0 << 8 | Int($1) } + 2 + lengthBytes
  }
}
