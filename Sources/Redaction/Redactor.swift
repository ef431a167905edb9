import Glibc
import JSON
import Synchronization

/// Keeps known secrets out of everything the process writes.
///
/// A secret is looked for as it is, JSON-escaped, percent-encoded and in base64 at any of the three
/// alignments, so also inside `base64(user:password)`; see `SecretForms`.
public final class Redactor: Sendable {
  /// Shorter secrets are not looked for: they would be found everywhere. They still never leave by
  /// themselves, since nothing writes a secret on purpose.
  public static let minimumBytes = 4
  public static let replacement = "[redacted]"

  private struct State {
    var secrets: [String: Entry] = [:]
    var patterns = SecretPatterns([])

    mutating func rebuild() { patterns = SecretPatterns(secrets.values.flatMap(\.forms)) }
  }

  private struct Entry {
    var forms: [[UInt8]]
    /// How often it was added and not removed.
    var count: Int
  }

  private let state = Mutex(State())

  public init() {}

  public func add(_ secret: String) {
    guard secret.utf8.count >= Self.minimumBytes else { return }
    state.withLock { state in
      if state.secrets[secret] != nil {
        state.secrets[secret]?.count += 1
      } else {
        state.secrets[secret] = Entry(forms: SecretForms.all(of: secret), count: 1)
        state.rebuild()
      }
    }
  }

  /// Takes one `add` back: for tokens, which are replaced all the time a process lives.
  public func remove(_ secret: String) {
    state.withLock { state in
      guard let entry = state.secrets[secret] else { return }
      if entry.count > 1 {
        state.secrets[secret]?.count -= 1
      } else {
        state.secrets[secret] = nil
        state.rebuild()
      }
    }
  }

  private var patterns: SecretPatterns { state.withLock { $0.patterns } }

  /// The text with every secret replaced.
  public func redact(_ text: String) -> String {
    let patterns = self.patterns
    let bytes = Array(text.utf8)
    guard !patterns.isEmpty, let clean = patterns.replacingMatches(in: bytes) else { return text }
    return String(decoding: clean, as: UTF8.self)
  }

  /// The same of bytes in whatever encoding.
  public func redact(_ bytes: [UInt8]) -> [UInt8] { patterns.replacingMatches(in: bytes) ?? bytes }

  /// Replaces secrets in the strings, member names and numbers of JSON that a writer wrote; what
  /// comes back is the same JSON otherwise, byte for byte but for spaces between tokens.
  public func redact(json bytes: [UInt8]) -> [UInt8] { replacement(json: bytes) ?? bytes }

  /// The same, or nil if there is no secret in it.
  public func replacement(json bytes: [UInt8]) -> [UInt8]? {
    guard bytes.withUnsafeBufferPointer({ mayOccur(inJSON: $0) }) else { return nil }
    let patterns = self.patterns
    var writer = JSONWriter(capacity: bytes.count)
    var found = false
    Self.copy(JSONFragment(trusted: bytes).json, to: &writer, without: patterns, found: &found)
    return found ? writer.bytes : nil
  }

  /// The same for a JSON-RPC message, whose envelope stays whole whatever the secrets are: a
  /// password such as `result` breaks no frame, and an id comes back as its caller sent it.
  public func redact(frame bytes: [UInt8]) -> [UInt8] {
    guard bytes.withUnsafeBufferPointer({ mayOccur(inJSON: $0) }) else { return bytes }
    let patterns = self.patterns
    var writer = JSONWriter(capacity: bytes.count)
    var found = false
    Self.copy(
      envelope: JSONFragment(trusted: bytes).json, to: &writer, without: patterns, found: &found)
    return found ? writer.bytes : bytes
  }

  /// Of a message, its `error` or its `params`: names are the protocol's own.
  private static func copy(
    envelope json: JSON, to writer: inout JSONWriter, without patterns: SecretPatterns,
    found: inout Bool
  ) {
    writer.openObject()
    for member in json.members {
      writer.value(member.name)
      writer.endName()
      switch member.name.string {
      case "jsonrpc", "id", "method", "code", "seq": writer.value(member.value)
      case "error" where member.value.kind == .object, "params" where member.value.kind == .object:
        copy(envelope: member.value, to: &writer, without: patterns, found: &found)
      default: copy(member.value, to: &writer, without: patterns, found: &found)
      }
    }
    writer.closeObject()
  }

  /// Whether JSON could hold a secret, so that it has to be scrubbed; nearly always it does not.
  public func mayOccur(inJSON bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    let patterns = self.patterns
    guard !patterns.isEmpty, let base = bytes.baseAddress else { return false }
    // A backslash can hide a secret behind escapes, so such a text is looked at string by string.
    return memchr(base, Int32(UInt8(ascii: "\\")), bytes.count) != nil || patterns.match(bytes)
  }

  private static func copy(
    _ json: JSON, to writer: inout JSONWriter, without patterns: SecretPatterns, found: inout Bool
  ) {
    switch json.kind {
    case .object:
      writer.openObject()
      for member in json.members {
        copy(member.name, to: &writer, without: patterns, found: &found)
        writer.endName()
        copy(member.value, to: &writer, without: patterns, found: &found)
      }
      writer.closeObject()
    case .array:
      writer.openArray()
      for element in json.elements {
        copy(element, to: &writer, without: patterns, found: &found)
      }
      writer.closeArray()
    case .string, .number:
      let text = json.stringBytes ?? json.withSource(Array.init)
      if let clean = patterns.replacingMatches(in: text) {
        found = true
        writer.string(utf8: clean[...])
      } else {
        writer.value(json)
      }
    default:
      writer.value(json)
    }
  }
}

/// Finds any of several byte patterns in one pass: Wu and Manber's multi-pattern search with
/// blocks of two bytes, which looks at a fraction of the bytes when nothing is found.
final class SecretPatterns: Sendable {
  private let patterns: [[UInt8]]
  /// Bytes of the shortest pattern; the length of the window that is moved over the text.
  private let window: Int
  /// By block: how far the window can move when it ends in that block.
  private let shifts: [UInt8]

  var isEmpty: Bool { patterns.isEmpty }

  init(_ patterns: [[UInt8]]) {
    self.patterns = patterns.sorted { $0.count > $1.count }
    window = min(self.patterns.last?.count ?? 0, 255)
    guard window >= 2 else {
      shifts = []
      return
    }
    var shifts = [UInt8](repeating: UInt8(window - 1), count: 65_536)
    for pattern in patterns {
      for start in 0...(window - 2) {
        let block = Self.block(pattern[start], pattern[start + 1])
        shifts[block] = min(shifts[block], UInt8(window - 2 - start))
      }
    }
    self.shifts = shifts
  }

  @inline(__always)
  private static func block(_ first: UInt8, _ second: UInt8) -> Int {
    Int(first) << 8 | Int(second)
  }

  func match(_ text: UnsafeBufferPointer<UInt8>) -> Bool { firstMatch(in: text, from: 0) != nil }

  /// The text with `[redacted]` in place of each match, or nil when there is none. Of matches that
  /// overlap no rest stays.
  func replacingMatches(in text: [UInt8]) -> [UInt8]? {
    guard var match = firstMatch(in: text, from: 0) else { return nil }
    var clean: [UInt8] = []
    var at = 0
    while true {
      var next = firstMatch(in: text, from: match.lowerBound + 1)
      while let further = next, further.lowerBound < match.upperBound {
        match = match.lowerBound..<max(match.upperBound, further.upperBound)
        next = firstMatch(in: text, from: further.lowerBound + 1)
      }
      clean.append(contentsOf: text[at..<match.lowerBound])
      clean.append(contentsOf: Redactor.replacement.utf8)
      at = match.upperBound
      guard let next else { break }
      match = next
    }
    clean.append(contentsOf: text[at...])
    return clean
  }

  private func firstMatch(in text: [UInt8], from start: Int) -> Range<Int>? {
    text.withUnsafeBufferPointer { firstMatch(in: $0, from: start) }
  }

  private func firstMatch(
    in text: UnsafeBufferPointer<UInt8>, from start: Int
  ) -> Range<Int>? {
    guard window >= 2 else { return nil }
    return shifts.withUnsafeBufferPointer { shifts in
      var at = start
      while at + window <= text.count {
        let shift = shifts[Self.block(text[at + window - 2], text[at + window - 1])]
        if shift == 0, let length = matchLength(text, at) { return at..<(at + length) }
        at += max(1, Int(shift))
      }
      return nil
    }
  }

  /// The longest pattern that stands at `at`.
  private func matchLength(_ text: UnsafeBufferPointer<UInt8>, _ at: Int) -> Int? {
    for pattern in patterns where at + pattern.count <= text.count {
      if pattern.indices.allSatisfy({ text[at + $0] == pattern[$0] }) { return pattern.count }
    }
    return nil
  }
}
