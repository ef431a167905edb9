/// One word of a query, such as `from:ann`, and the messages that it matches.
struct GmailSearchWord {
  struct Context {
    let labels: [GmailLabel]
    let now: Int
  }

  /// Empty for a plain word.
  let name: String
  let value: String

  func matches(_ message: GmailMessage, _ context: Context) -> Bool {
    let mail = message.mail
    let seconds = message.receivedMilliseconds / 1_000
    switch name {
    case "": return contains(Self.everything(message))
    case "from", "to", "cc", "bcc", "subject", "list":
      return contains(EncodedWord.decode(mail.header(name == "list" ? "List-Id" : name) ?? ""))
        || (name == "to" && contains(EncodedWord.decode(mail.header("Cc") ?? "")))
    case "deliveredto": return contains(mail.header("Delivered-To") ?? mail.header("To") ?? "")
    case "rfc822msgid":
      let id = mail.header("Message-ID") ?? ""
      return id.filter { $0 != "<" && $0 != ">" } == value.filter { $0 != "<" && $0 != ">" }
    case "filename":
      return Self.fileNames(mail).contains { name in
        let name = name.lowercased()
        return name.contains(value.lowercased())
      }
    case "has": return has(message)
    case "label", "in", "is", "category": return isIn(message, context)
    // `after` includes its time, `before` excludes it.
    case "after", "newer": return Self.time(value).map { seconds >= $0 } ?? false
    case "before", "older": return Self.time(value).map { seconds < $0 } ?? false
    case "newer_than": return Self.age(value).map { seconds >= context.now - $0 } ?? false
    case "older_than": return Self.age(value).map { seconds < context.now - $0 } ?? false
    case "larger": return Self.size(value).map { message.raw.count > $0 } ?? false
    case "smaller": return Self.size(value).map { message.raw.count < $0 } ?? false
    case "size": return Self.size(value).map { message.raw.count >= $0 } ?? false
    // Not an operator: a word that contains a colon.
    default: return Self.contains(Self.everything(message), "\(name):\(value)")
    }
  }

  private func contains(_ text: String) -> Bool { Self.contains(text, value) }

  /// Whether `text` contains the words of `wanted` as a phrase, ignoring case. Matches whole words
  /// only, but the parts of an address are words.
  private static func contains(_ text: String, _ wanted: String) -> Bool {
    let sought = words(wanted)
    guard !sought.isEmpty else { return false }
    let words = words(text)
    guard words.count >= sought.count else { return false }
    return (0...words.count - sought.count).contains { words[$0...].starts(with: sought) }
  }

  private static func words(_ text: String) -> [String] {
    text.lowercased().split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
  }

  private static func everything(_ message: GmailMessage) -> String {
    let headers = ["Subject", "From", "To", "Cc"].compactMap { message.mail.header($0) }
    return (headers.map(EncodedWord.decode) + [message.text] + fileNames(message.mail))
      .joined(separator: " \u{2028} ")
  }

  private static func fileNames(_ mail: MIMEEntity) -> [String] {
    mail.flattened(intoMails: true).map(\.fileName).filter { !$0.isEmpty }
  }

  private func has(_ message: GmailMessage) -> Bool {
    switch value.lowercased() {
    case "attachment": !Self.fileNames(message.mail).isEmpty
    case "userlabels": message.labels.contains { $0.hasPrefix("Label_") }
    case "nouserlabels": !message.labels.contains { $0.hasPrefix("Label_") }
    default: false
    }
  }

  private func isIn(_ message: GmailMessage, _ context: Context) -> Bool {
    let value = value.lowercased()
    switch (name, value) {
    case ("in", "anywhere"): return true
    case ("is", "read"): return !message.labels.contains("UNREAD")
    case ("in", "sent"), ("in", "draft"), ("in", "drafts"):
      return message.labels.contains(value == "sent" ? "SENT" : "DRAFT")
    case ("category", _): return message.labels.contains("CATEGORY_" + Self.category(value))
    default:
      // In queries, hyphens replace the spaces of a label name.
      let found = context.labels.first { label in
        label.name.lowercased() == value || Self.dashed(label.name) == Self.dashed(value)
      }
      return found.map { message.labels.contains($0.id) } ?? false
    }
  }

  private static func dashed(_ name: String) -> String {
    String(name.lowercased().map { " /&".contains($0) ? "-" : $0 })
  }

  private static func category(_ value: String) -> String {
    value == "primary" ? "PERSONAL" : value.uppercased()
  }

  // MARK: Values

  /// Gmail's days begin at midnight Pacific time.
  private static let pacificSeconds = 8 * 3_600

  /// Seconds since 1970, or a day, `2026/11/20`; nil for other texts.
  private static func time(_ text: String) -> Int? {
    if let seconds = Int(text) { return seconds }
    let fields = text.split { $0 == "/" || $0 == "-" }.map(String.init)
    guard fields.count == 3, fields[0].count == 4, fields.allSatisfy({ Int($0) != nil }) else {
      return nil
    }
    let padded = fields.map { $0.count < 2 ? "0" + $0 : $0 }
    return Timestamp.seconds(iso: padded.joined(separator: "-") + "T00:00:00Z")
      .map { $0 + pacificSeconds }
  }

  /// Parses `2d`, `3m`, `1y`.
  private static func age(_ text: String) -> Int? {
    let days = ["h": 0, "d": 1, "m": 30, "y": 365]
    guard let unit = text.last, let day = days[unit.lowercased()],
      let number = Int(text.dropLast()), (0...100_000).contains(number)
    else { return nil }
    return number * (day == 0 ? 3_600 : day * 86_400)
  }

  /// Parses `500`, `10K`, `2M`.
  private static func size(_ text: String) -> Int? {
    let digits = text.prefix(while: \.isNumber)
    guard let number = Int(digits), (0...1_000_000_000).contains(number) else { return nil }
    switch text.dropFirst(digits.count).lowercased() {
    case "": return number
    case "k", "kb": return number * 1_024
    case "m", "mb": return number * 1_024 * 1_024
    default: return nil
    }
  }
}
