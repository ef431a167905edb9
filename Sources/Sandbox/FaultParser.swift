import Basics

/// Reads one fault text word by word.
struct FaultParser {
  struct Clauses {
    var schedule: SandboxFault.Schedule?
    var retryAfterSeconds: Int?
    var target: SandboxFault.Target?
  }

  private struct Word {
    var text: String
    /// From 1.
    var column: Int
  }

  /// Ten minutes, far beyond any client's patience.
  private static let maximumDelayMilliseconds = 600_000
  private static let maximumCount = 1_000_000_000
  private static let effects = ["slow", "expired", "drop", "reset", "garbage"]
  private static let clauses = ["every", "first", "always", "retry-after", "on"]
  private static let verbs = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

  private let text: String
  private let words: [Word]
  private var at = 0

  init(_ text: String) {
    self.text = text
    var words: [Word] = []
    var isInWord = false
    for (position, character) in text.enumerated() {
      if character.isWhitespace {
        isInWord = false
      } else if isInWord {
        words[words.count - 1].text.append(character)
      } else {
        words.append(Word(text: String(character), column: position + 1))
        isInWord = true
      }
    }
    self.words = words
  }

  mutating func parse() throws(SandboxError) -> SandboxFault {
    let (vendor, isSignIn) = try readVendor()
    let effectColumn = column
    let effect = try readEffect()
    let clauses = try readClauses()
    if clauses.retryAfterSeconds != nil {
      guard case .status = effect else {
        throw .badFault("retry-after goes with a status, such as 429", column: effectColumn)
      }
    }
    return SandboxFault(
      text: words.map(\.text).joined(separator: " "), vendor: vendor, isSignIn: isSignIn,
      effect: effect, clauses: clauses)
  }

  private mutating func readVendor() throws(SandboxError) -> (String, isSignIn: Bool) {
    let allowed = Sandbox.vendorNames.flatMap { [$0, $0 + "-auth"] }
    let names = allowed.map { $0 + ":" }.joined(separator: " or ")
    let expected = "expected a vendor and a colon, \(names)"
    guard let word = next() else { throw .badFault(expected, column: column) }
    let name = word.text.hasSuffix(":") ? String(word.text.dropLast()) : word.text
    guard allowed.contains(name) else {
      throw .badFault(
        expected, column: word.column,
        suggestion: Suggestion.closest(to: name, among: allowed).map { $0 + ":" })
    }
    guard word.text.hasSuffix(":") else {
      throw .badFault("expected a colon after \(name)", column: word.column + name.count)
    }
    let isSignIn = name.hasSuffix("-auth")
    return (isSignIn ? String(name.dropLast("-auth".count)) : name, isSignIn)
  }

  private mutating func readEffect() throws(SandboxError) -> SandboxFault.Effect {
    let expected =
      "expected a status from 400 to 599, slow, expired token, drop body, reset or garbage"
    guard let word = next() else { throw .badFault(expected, column: column) }
    switch word.text {
    case "slow": return .slow(milliseconds: try readDuration())
    case "expired":
      try expect("token")
      return .expiredToken
    case "drop":
      try expect("body")
      return .dropBody
    case "reset": return .reset
    case "garbage": return .garbage
    default:
      guard let status = Int(word.text), (400...599).contains(status) else {
        throw .badFault(
          expected, column: word.column,
          suggestion: Suggestion.closest(to: word.text, among: Self.effects))
      }
      return .status(status)
    }
  }

  private mutating func readClauses() throws(SandboxError) -> Clauses {
    var clauses = Clauses()
    while let word = next() {
      let isRepeated: Bool
      switch word.text {
      case "always", "every", "first":
        isRepeated = clauses.schedule != nil
        clauses.schedule = try readSchedule(word.text)
      case "retry-after":
        isRepeated = clauses.retryAfterSeconds != nil
        clauses.retryAfterSeconds = try readNumber("a number of seconds", from: 0)
      case "on":
        isRepeated = clauses.target != nil
        clauses.target = try readTarget()
      default:
        throw .badFault(
          "expected every N, first N, always, retry-after SECONDS or on [VERB] PATH",
          column: word.column, suggestion: Suggestion.closest(to: word.text, among: Self.clauses))
      }
      if isRepeated {
        throw .badFault("a second '\(word.text)' clause of the same kind", column: word.column)
      }
    }
    return clauses
  }

  private mutating func readSchedule(
    _ keyword: String
  ) throws(SandboxError) -> SandboxFault.Schedule {
    if keyword == "always" { return .always }
    let count = try readNumber("a number of requests from 1", from: 1)
    return keyword == "every" ? .every(count) : .first(count)
  }

  private mutating func readTarget() throws(SandboxError) -> SandboxFault.Target {
    var method: String?
    if let word = peek, !word.text.hasPrefix("/") {
      guard Self.verbs.contains(word.text) else {
        throw .badFault(
          "expected a verb (\(Self.verbs.joined(separator: ", "))) or a path that starts with /",
          column: word.column,
          suggestion: Suggestion.closest(to: word.text, among: Self.verbs))
      }
      method = word.text
      at += 1
    }
    let column = self.column
    guard let word = next(), word.text.hasPrefix("/") else {
      throw .badFault("expected a path, such as /api/console/elements/devices/", column: column)
    }
    let isPrefix = word.text.hasSuffix("*")
    return SandboxFault.Target(
      method: method, path: isPrefix ? String(word.text.dropLast()) : word.text,
      isPrefix: isPrefix)
  }

  // MARK: Words

  private var peek: Word? { at < words.count ? words[at] : nil }

  /// Of the next word, or after the last.
  private var column: Int { peek?.column ?? text.count + 1 }

  private mutating func next() -> Word? {
    guard let word = peek else { return nil }
    at += 1
    return word
  }

  private mutating func expect(_ text: String) throws(SandboxError) {
    let column = self.column
    guard next()?.text == text else { throw .badFault("expected '\(text)'", column: column) }
  }

  private mutating func readNumber(
    _ meaning: String, from least: Int
  ) throws(SandboxError) -> Int {
    let column = self.column
    guard let word = next(), let number = Int(word.text),
      (least...Self.maximumCount).contains(number)
    else { throw .badFault("expected \(meaning)", column: column) }
    return number
  }

  private mutating func readDuration() throws(SandboxError) -> Int {
    let column = self.column
    let text = next()?.text ?? ""
    let isMilliseconds = text.hasSuffix("ms")
    let factor = isMilliseconds ? 1 : 1_000
    let digits = text.dropLast(isMilliseconds ? 2 : 1)
    guard text.hasSuffix("s"), let number = Int(digits),
      (0...Self.maximumDelayMilliseconds / factor).contains(number)
    else {
      throw .badFault(
        "expected a time up to \(Self.maximumDelayMilliseconds / 1_000)s, such as 200ms or 2s",
        column: column)
    }
    return number * factor
  }
}
