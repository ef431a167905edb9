import Basics

/// Parses one fault text word by word.
struct FaultParser {
  struct Clauses {
    var schedule: SandboxFault.Schedule?
    var retryAfterSeconds: Int?
    var target: SandboxFault.Target?
  }

  private static let effects = ["slow", "expired", "drop", "reset", "garbage"]
  private static let clauses = ["every", "first", "always", "retry-after", "on"]
  private static let verbs = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

  private var words: FaultWords

  init(_ text: String) { words = FaultWords(text) }

  mutating func parse() throws(SandboxError) -> SandboxFault {
    let (vendor, isSignIn) = try readVendor()
    let effectColumn = words.column
    let reasons = isSignIn ? vendor.signInReasons : vendor.reasons
    let effect = try readEffect(vendor, reasons)
    let clauses = try readClauses(vendor, reasons)
    if clauses.retryAfterSeconds != nil {
      guard case .status = effect else {
        throw .invalidFault("retry-after requires a status, such as 429", column: effectColumn)
      }
    }
    return SandboxFault(
      text: words.text, vendor: vendor.name, isSignIn: isSignIn,
      effect: effect, clauses: clauses)
  }

  private mutating func readVendor() throws(SandboxError) -> (FaultVocabulary, isSignIn: Bool) {
    let vendors = Sandbox.vocabularies
    let allowed = vendors.flatMap { $0.hasSignIn ? [$0.name, $0.name + "-auth"] : [$0.name] }
    let names = allowed.map { $0 + ":" }.joined(separator: ", ")
    let expected = "expected a vendor and a colon: one of \(names)"
    guard let word = words.next() else { throw .invalidFault(expected, column: words.column) }
    let name = word.text.hasSuffix(":") ? String(word.text.dropLast()) : word.text
    let isSignIn = name.hasSuffix("-auth")
    let own = isSignIn ? String(name.dropLast("-auth".count)) : name
    guard allowed.contains(name), let vendor = vendors.first(where: { $0.name == own }) else {
      throw .invalidFault(
        expected, column: word.column,
        suggestion: Suggestion.closest(to: name, among: allowed).map { $0 + ":" })
    }
    guard word.text.hasSuffix(":") else {
      throw .invalidFault("expected a colon after \(name)", column: word.column + name.count)
    }
    return (vendor, isSignIn)
  }

  private mutating func readEffect(
    _ vendor: FaultVocabulary, _ reasons: [String]
  ) throws(SandboxError) -> SandboxFault.Effect {
    if let quirk = try readQuirk(of: vendor) { return .quirk(quirk) }
    let own = vendor.quirks.map { ", \($0.text)" }.joined()
    let expected =
      "expected a status from 400 to 599\(own), slow, expired token, drop body, reset or garbage"
    guard let word = words.next() else { throw .invalidFault(expected, column: words.column) }
    switch word.text {
    case "slow": return .slow(milliseconds: try words.readDuration())
    case "expired":
      guard vendor.hasSignIn else {
        throw .invalidFault("\(vendor.name) has no tokens", column: word.column)
      }
      try words.expect("token")
      return .expiredToken
    case "drop":
      try words.expect("body")
      return .dropBody
    case "reset": return .reset
    case "garbage": return .garbage
    default:
      guard let status = Int(word.text), (400...599).contains(status) else {
        throw .invalidFault(
          expected, column: word.column,
          suggestion: Suggestion.closest(to: word.text, among: Self.effects))
      }
      guard let reason = words.peek?.text, reasons.contains(reason) else {
        return .status(status, reason: nil)
      }
      _ = words.next()
      return .status(status, reason: reason)
    }
  }

  /// Nil if no quirk starts with the next word.
  private mutating func readQuirk(
    of vendor: FaultVocabulary
  ) throws(SandboxError) -> VendorQuirk? {
    var candidates = vendor.quirks.map { (quirk: $0, words: $0.text.split(separator: " ")) }
    var position = 0
    while candidates.allSatisfy({ $0.words.count > position }) {
      let word = words.peek?.text ?? ""
      let fitting = candidates.filter { $0.words[position] == word }
      if fitting.isEmpty {
        if position == 0 { return nil }
        let allowed = candidates.map { String($0.words[position]) }
        throw .invalidFault(
          "expected " + allowed.map { "'\($0)'" }.joined(separator: " or "), column: words.column,
          suggestion: Suggestion.closest(to: word, among: allowed))
      }
      candidates = fitting
      position += 1
      _ = words.next()
    }
    return candidates[0].quirk
  }

  private mutating func readClauses(
    _ vendor: FaultVocabulary, _ reasons: [String]
  ) throws(SandboxError) -> Clauses {
    var clauses = Clauses()
    while let word = words.next() {
      let isRepeated: Bool
      switch word.text {
      case "always", "every", "first":
        isRepeated = clauses.schedule != nil
        clauses.schedule = try readSchedule(word.text)
      case "retry-after":
        isRepeated = clauses.retryAfterSeconds != nil
        clauses.retryAfterSeconds = try words.readNumber("a number of seconds", from: 0)
      case "on":
        isRepeated = clauses.target != nil
        clauses.target = try readTarget(vendor)
      default:
        throw .invalidFault(
          "expected every N, first N, always, retry-after SECONDS or on [VERB] PATH",
          column: word.column,
          suggestion: Suggestion.closest(to: word.text, among: Self.clauses + reasons))
      }
      if isRepeated {
        throw .invalidFault("'\(word.text)' conflicts with an earlier clause", column: word.column)
      }
    }
    return clauses
  }

  private mutating func readSchedule(
    _ keyword: String
  ) throws(SandboxError) -> SandboxFault.Schedule {
    if keyword == "always" { return .always }
    let count = try words.readNumber("a number of requests, at least 1", from: 1)
    return keyword == "every" ? .every(count) : .first(count)
  }

  private mutating func readTarget(
    _ vendor: FaultVocabulary
  ) throws(SandboxError) -> SandboxFault.Target {
    var verb: String?
    if let word = words.peek, !word.text.hasPrefix("/") {
      if vendor.methods.contains(word.text) {
        _ = words.next()
        return .method(word.text)
      }
      guard Self.verbs.contains(word.text) else {
        let method = vendor.methods.isEmpty ? "" : ", a method of \(vendor.name)"
        throw .invalidFault(
          "expected a verb (\(Self.verbs.joined(separator: ", ")))\(method)"
            + " or a path that starts with /",
          column: word.column,
          suggestion: Suggestion.closest(to: word.text, among: Self.verbs + vendor.methods))
      }
      verb = word.text
      _ = words.next()
    }
    let column = words.column
    guard let word = words.next(), word.text.hasPrefix("/") else {
      throw .invalidFault("expected a path, such as /api/console/elements/devices/", column: column)
    }
    let isPrefix = word.text.hasSuffix("*")
    return .path(
      verb: verb, path: isPrefix ? String(word.text.dropLast()) : word.text, isPrefix: isPrefix)
  }
}
