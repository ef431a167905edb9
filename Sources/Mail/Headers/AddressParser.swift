/// Reads address lists (RFC 5322 sections 3.4 and 4.4), including common malformed ones.
struct AddressParser {
  private let text: [UInt8]
  private var at = 0
  private var scanner = EncodedWords.Scanner(maximumText: 1_000)

  private var entries: [MailAddressEntry] = []
  private var group: (name: String, mailboxes: [MailAddress])?

  /// The words of the current mailbox; quoted words without their quotes.
  private var phrase: [UInt8] = []
  /// The same with quotes. It is the address if there are no angle brackets.
  private var bare: [UInt8] = []
  private var hasAt = false
  private var comments: [UInt8] = []
  private var angle: [UInt8]?

  static func parse(_ text: [UInt8]) -> [MailAddressEntry] {
    var parser = AddressParser(text: text)
    return parser.parse()
  }

  private init(text: [UInt8]) { self.text = text }

  private mutating func parse() -> [MailAddressEntry] {
    while at < text.count {
      switch text[at] {
      case ASCII.open: readComment()
      case ASCII.quote: readQuoted()
      case ASCII.less where angle == nil: readAngle()
      case ASCII.comma:
        at += 1
        endMailbox()
      case ASCII.semicolon:
        at += 1
        endMailbox()
        endGroup()
      case ASCII.colon where group == nil && angle == nil && !hasAt:
        at += 1
        startGroup()
      default: readWord()
      }
    }
    endMailbox()
    endGroup()
    return entries
  }

  private mutating func readComment() {
    let end = CommentReader.end(text, at)
    if !comments.isEmpty { comments.append(ASCII.space) }
    comments += CommentReader.content(text, at..<end)
    at = end
    guard angle == nil, let last = phrase.last, ASCII.isWhiteSpace(last) else { return }
    while at < text.count, ASCII.isWhiteSpace(text[at]) { at += 1 }
  }

  private mutating func readQuoted() {
    bare.append(ASCII.quote)
    at += 1
    while at < text.count, text[at] != ASCII.quote {
      if text[at] == ASCII.backslash, at + 1 < text.count {
        bare.append(ASCII.backslash)
        at += 1
      }
      phrase.append(text[at])
      bare.append(text[at])
      at += 1
    }
    bare.append(ASCII.quote)
    at += 1
  }

  /// The address in angle brackets, without an obsolete route.
  private mutating func readAngle() {
    var address: [UInt8] = []
    var isQuoted = false
    at += 1
    while at < text.count, isQuoted || text[at] != ASCII.greater {
      let byte = text[at]
      if !isQuoted, byte == ASCII.open {
        readComment()
        continue
      }
      if byte == ASCII.quote { isQuoted.toggle() }
      if isQuoted, byte == ASCII.backslash, at + 1 < text.count {
        address.append(byte)
        at += 1
      }
      if isQuoted || !ASCII.isWhiteSpace(text[at]) { address.append(text[at]) }
      at += 1
    }
    at += 1
    if address.first == ASCII.at, let colon = address.firstIndex(of: ASCII.colon) {
      address.removeFirst(colon + 1)
    }
    angle = address
  }

  /// One byte, or an encoded word, which may contain commas.
  private mutating func readWord() {
    var end = at + 1
    if let word = scanner.word(text, at: at), !text[word.text].contains(ASCII.less) {
      end = word.end
    }
    if text[at] == ASCII.at { hasAt = true }
    phrase += text[at..<end]
    bare += text[at..<end]
    at = end
  }

  private mutating func startGroup() {
    group = (EncodedWords.decode(Array(ASCII.trimmed(phrase))), [])
    reset()
  }

  private mutating func endGroup() {
    guard let ended = group else { return }
    entries.append(.group(name: ended.name, ended.mailboxes))
    group = nil
  }

  private mutating func endMailbox() {
    defer { reset() }
    guard let mailbox = mailbox() else { return }
    if group == nil { entries.append(.mailbox(mailbox)) } else { group?.mailboxes.append(mailbox) }
  }

  private mutating func reset() {
    phrase.removeAll()
    bare.removeAll()
    hasAt = false
    comments.removeAll()
    angle = nil
  }

  private func mailbox() -> MailAddress? {
    let comment = Self.name(comments)
    if let angle {
      guard !angle.isEmpty || !ASCII.trimmed(phrase).isEmpty else { return nil }
      return MailAddress(
        name: Self.name(phrase) ?? comment, String(decoding: angle, as: UTF8.self))
    }
    let words = Self.words(bare)
    guard !words.isEmpty else { return comment.map { MailAddress(name: $0, "") } }
    if words.count == 1 {
      return MailAddress(name: comment, String(decoding: words[0], as: UTF8.self))
    }
    // `John Doe jdoe@example.org`
    guard let address = words.lastIndex(where: { $0.contains(ASCII.at) }) else {
      return MailAddress(name: Self.name(phrase), "")
    }
    let rest = (words[..<address] + words[(address + 1)...]).joined(separator: [ASCII.space])
    return MailAddress(
      name: Self.name(Array(rest)), String(decoding: words[address], as: UTF8.self))
  }

  private static func name(_ phrase: [UInt8]) -> String? {
    let name = EncodedWords.decode(Array(ASCII.trimmed(phrase)))
    return name.isEmpty ? nil : name
  }

  /// Splits at white space, except around dots and at signs (RFC 5322 section 4.4).
  private static func words(_ text: [UInt8]) -> [[UInt8]] {
    var words: [[UInt8]] = []
    var word: [UInt8] = []
    var isQuoted = false
    var isEscaped = false
    var sawSpace = false
    for byte in text {
      if byte == ASCII.quote, !isEscaped { isQuoted.toggle() }
      isEscaped = byte == ASCII.backslash && !isEscaped
      if !isQuoted, ASCII.isWhiteSpace(byte) {
        sawSpace = true
        continue
      }
      if sawSpace, let last = word.last, ![last, byte].contains(where: isJoint) {
        words.append(word)
        word.removeAll()
      }
      sawSpace = false
      word.append(byte)
    }
    if !word.isEmpty { words.append(word) }
    return words
  }

  private static func isJoint(_ byte: UInt8) -> Bool { byte == ASCII.dot || byte == ASCII.at }
}
