import Glibc
import JSON
import Synchronization

/// Redacts known secrets in all output of the process.
///
/// Finds a secret in plain text, JSON-escaped, percent-encoded, and in Base64 at each of the three
/// alignments, so also inside `base64(user:password)`; see `SecretForms`.
public final class Redactor: Sendable {
  /// Shorter secrets are not redacted: they would match everywhere. No code writes secrets on
  /// purpose, so they do not appear by themselves.
  public static let minimumBytes = 4
  public static let replacement = "[redacted]"

  private struct State {
    var secrets: [String: Entry] = [:]
    var patterns = SecretPatterns([])

    mutating func rebuild() { patterns = SecretPatterns(secrets.values.flatMap(\.forms)) }
  }

  private struct Entry {
    var forms: [[UInt8]]
    /// The number of `add` calls without a matching `remove`.
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

  /// Reverts one `add`. For tokens, which are replaced during the life of the process.
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

  /// Replaces all secrets in a text.
  public func redact(_ text: String) -> String {
    let patterns = self.patterns
    let bytes = Array(text.utf8)
    guard !patterns.isEmpty, let clean = patterns.replacingMatches(in: bytes) else { return text }
    return String(decoding: clean, as: UTF8.self)
  }

  /// Replaces all secrets in bytes of any encoding.
  public func redact(_ bytes: [UInt8]) -> [UInt8] { patterns.replacingMatches(in: bytes) ?? bytes }

  /// Replaces secrets in the strings, member names and numbers of JSON from a writer. Everything
  /// else stays the same, byte for byte, except spaces between tokens.
  public func redact(json bytes: [UInt8]) -> [UInt8] { replacement(json: bytes) ?? bytes }

  /// The redacted JSON, or nil if it contains no secret.
  public func replacement(json bytes: [UInt8]) -> [UInt8]? {
    guard bytes.withUnsafeBufferPointer({ mayOccur(inJSON: $0) }) else { return nil }
    let patterns = self.patterns
    var writer = JSONWriter(capacity: bytes.count)
    var found = false
    Self.copy(JSONFragment(trusted: bytes).json, to: &writer, without: patterns, found: &found)
    return found ? writer.bytes : nil
  }

  /// Redacts a JSON-RPC message and keeps its envelope intact: a password such as `result` does not
  /// break the frame, and the id stays as the client sent it.
  public func redact(frame bytes: [UInt8]) -> [UInt8] {
    guard bytes.withUnsafeBufferPointer({ mayOccur(inJSON: $0) }) else { return bytes }
    let patterns = self.patterns
    var writer = JSONWriter(capacity: bytes.count)
    var found = false
    Self.copy(
      envelope: JSONFragment(trusted: bytes).json, to: &writer, without: patterns, found: &found)
    return found ? writer.bytes : bytes
  }

  /// Copies a message, or its `error` or `params` object. Their member names belong to the protocol
  /// and are not redacted.
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

  /// Whether the JSON may contain a secret and must be redacted. Almost always false.
  public func mayOccur(inJSON bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    let patterns = self.patterns
    guard !patterns.isEmpty, let base = bytes.baseAddress else { return false }
    // A backslash may hide a secret behind escapes, so such a text is checked string by string.
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

/// Finds any of several byte patterns in one pass with the Wu-Manber algorithm and blocks of two
/// bytes. Without a match it inspects only a fraction of the bytes.
final class SecretPatterns: Sendable {
  private let patterns: [[UInt8]]
  /// The length of the shortest pattern in bytes; this window moves over the text.
  private let window: Int
  /// How far the window can move, by the block at its end.
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

  /// Replaces each match with `[redacted]`; nil if there is no match. Overlapping matches are
  /// replaced as one.
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

  /// The length of the longest pattern at `at`.
  private func matchLength(_ text: UnsafeBufferPointer<UInt8>, _ at: Int) -> Int? {
    for pattern in patterns where at + pattern.count <= text.count {
      if pattern.indices.allSatisfy({ text[at + $0] == pattern[$0] }) { return pattern.count }
    }
    return nil
  }
}
