/// An address in a header such as `To` (RFC 5322 section 3.4).
struct MailAddress: Equatable {
  let name: String
  /// In lower case.
  let address: String

  /// Parses `Zoë <zoe@x.example>, "Ops, Night" <ops@x.example>`; nil if an address is invalid.
  static func list(_ text: String) -> [MailAddress]? {
    var addresses: [MailAddress] = []
    for entry in split(text) {
      let entry = entry.trimmed
      if entry.isEmpty { continue }
      guard let address = MailAddress(entry) else { return nil }
      addresses.append(address)
    }
    return addresses
  }

  private init?(_ entry: String) {
    var name = ""
    var address = entry
    if let open = entry.lastIndex(of: "<") {
      guard let close = entry[open...].firstIndex(of: ">") else { return nil }
      name = EncodedWord.decode(entry[..<open].trimmed.filter { $0 != "\"" })
      address = String(entry[entry.index(after: open)..<close])
    }
    guard Self.isAddress(address) else { return nil }
    self.name = name
    self.address = address.lowercased()
  }

  static func isAddress(_ text: String) -> Bool {
    let words = text.split(separator: "@", omittingEmptySubsequences: false)
    guard words.count == 2, !words[0].isEmpty else { return false }
    let labels = words[1].split(separator: ".", omittingEmptySubsequences: false)
    return labels.count > 1 && labels.allSatisfy { !$0.isEmpty }
      && !text.contains { $0.isWhitespace || "<>,;\"".contains($0) }
  }

  /// Splits at commas outside of quotes and angle brackets.
  private static func split(_ text: String) -> [String] {
    var pieces = [""]
    var isQuoted = false
    var isBracketed = false
    for character in text {
      if character == "," && !isQuoted && !isBracketed {
        pieces.append("")
        continue
      }
      switch character {
      case "\"": isQuoted.toggle()
      case "<" where !isQuoted: isBracketed = true
      case ">" where !isQuoted: isBracketed = false
      default: break
      }
      pieces[pieces.count - 1].append(character)
    }
    return pieces
  }
}
