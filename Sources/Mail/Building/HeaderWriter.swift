/// Writes header fields (RFC 5322 section 2.2). Checks and folds their values.
struct HeaderWriter {
  /// Preferred length of a line without CRLF. RFC 5322 section 2.1.1 recommends at most 78.
  static let maximumLine = 76

  private(set) var text = ""

  /// An unstructured value, such as a Subject.
  mutating func unstructured(_ name: String, _ value: String) throws(MailBuildError) {
    try Self.check(value, name)
    let start = name + ": "
    if let folded = Self.folded(value, column: start.utf8.count) {
      text += start + folded + "\r\n"
    } else {
      text += start + EncodedWordWriter.encode(value, column: start.utf8.count) + "\r\n"
    }
  }

  /// A list of mailboxes; writes nothing if the list is empty.
  mutating func addresses(
    _ name: String, _ addresses: [MailAddress]
  ) throws(MailBuildError) {
    guard !addresses.isEmpty else { return }
    var line = name + ": "
    var field = ""
    for (position, address) in addresses.enumerated() {
      try Self.check(address.name ?? "", name)
      try Self.check(address.address, name)
      if let fault = AddressRules.problem(address.address) { throw MailBuildError(name, fault) }
      let comma = position < addresses.count - 1 ? "," : ""
      let isFirst = position == 0
      var mailbox = Self.mailbox(address, column: isFirst ? line.utf8.count : line.utf8.count + 1)
      let firstLine = mailbox.prefix { $0 != "\r\n" }.utf8.count
      if !isFirst {
        if line.utf8.count + 1 + firstLine + comma.utf8.count > Self.maximumLine {
          field += line + "\r\n"
          line = ""
          mailbox = Self.mailbox(address, column: 1)
        }
        line += " "
      }
      line += mailbox + comma
      // Only the last line of the folded text is still open.
      if let fold = line.lastIndex(of: "\r\n") {
        let next = line.index(after: fold)
        field += line[..<next]
        line = String(line[next...])
      }
    }
    text += field + line + "\r\n"
  }

  /// Message IDs without their brackets, in lines that are folded between them. They are visible ASCII,
  /// and never encoded.
  mutating func messageIDs(_ name: String, _ ids: [String]) {
    var column = name.utf8.count + 1
    text += "\(name):"
    for (position, id) in ids.enumerated() {
      if position > 0, column + id.utf8.count + 3 > Self.maximumLine {
        text += "\r\n"
        column = 0
      }
      text += " <\(id)>"
      column += id.utf8.count + 3
    }
    text += "\r\n"
  }

  /// A generated value that needs no check.
  mutating func literal(_ name: String, _ value: String) { text += "\(name): \(value)\r\n" }

  /// Rejects line breaks, which would start another field (header injection).
  static func check(_ value: String, _ field: String) throws(MailBuildError) {
    guard !value.utf8.contains(where: { $0 == 0 || $0 == 10 || $0 == 13 }) else {
      throw .lineBreak(in: field)
    }
  }

  // MARK: Values

  /// ASCII folded at its spaces; nil if unfolding would not restore the same text.
  private static func folded(_ value: String, column: Int) -> String? {
    guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }), !value.contains("=?") else {
      return nil
    }
    var text = ""
    var column = column
    for (position, word) in value.split(separator: " ", omittingEmptySubsequences: false)
      .enumerated()
    {
      guard word.utf8.count < maximumLine, !word.isEmpty || value.isEmpty else { return nil }
      if position > 0 {
        if column + 1 + word.utf8.count > maximumLine {
          text += "\r\n"
          column = 0
        }
        text += " "
        column += 1
      } else if column + word.utf8.count > maximumLine {
        return nil
      }
      text += word
      column += word.utf8.count
    }
    return text
  }

  private static func mailbox(_ address: MailAddress, column: Int) -> String {
    guard let name = address.name, !name.isEmpty else { return address.address }
    let phrase = phrase(name, column: column)
    let lastLine = phrase.split(separator: "\r\n", omittingEmptySubsequences: false).last ?? ""
    let isFolded = lastLine.utf8.count < phrase.utf8.count
    let end = (isFolded ? 0 : column) + lastLine.utf8.count
    let separator =
      end + 3 + address.address.utf8.count > maximumLine ? EncodedWordWriter.fold : " "
    return phrase + separator + "<" + address.address + ">"
  }

  /// A display name: words or a quoted string if possible, otherwise encoded words.
  private static func phrase(_ name: String, column: Int) -> String {
    let isPlain = name.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } && !name.contains("=?")
    let isTight = !name.hasPrefix(" ") && !name.hasSuffix(" ") && !name.contains("  ")
    guard isPlain, isTight, column + name.utf8.count + 4 <= maximumLine else {
      return EncodedWordWriter.encode(name, column: column)
    }
    if name.unicodeScalars.allSatisfy({ AddressRules.isAtom($0) || $0 == " " }) { return name }
    var quoted = "\""
    for character in name {
      if character == "\"" || character == "\\" { quoted += "\\" }
      quoted.append(character)
    }
    return quoted + "\""
  }
}
