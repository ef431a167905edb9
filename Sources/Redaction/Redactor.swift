import JSON
import Synchronization

/// A set of secrets that are redacted in output.
///
/// Each connection has its own set, and the process has one set of all secrets: a set reports its
/// secrets to its parent, and withdraws them when it is released. Results of a connection are redacted
/// with the set of the connection only. Otherwise a caller could find the secrets of other connections
/// by guessing them.
///
/// `add` and `remove` take time for one secret, however many there are. Patterns are built when text is
/// searched, in segments of growing size (a log-structured merge), so a search never rebuilds all of
/// them for one new secret.
public final class Redactor: Sendable {
  /// Shorter secrets are not redacted: they would match everywhere. No code writes secrets on
  /// purpose, so they do not appear by themselves.
  public static let minimumBytes = 4
  public static let replacement = "[redacted]"
  /// The same for a `JSONWriter`, which writes it without a search for characters to escape.
  public static var replacementLiteral: StaticString { "[redacted]" }
  /// Up to this number of secrets, a removed secret is forgotten at once; in larger sets, when half of
  /// the secrets of the segments were removed.
  private static let smallCount = 64

  private struct State {
    /// Not counted yet: Swift needs long at the start of a process to make a dictionary of a new type,
    /// and many processes redact nothing.
    var added: [Secret] = []
    /// Per secret, the number of `add` calls without a matching `remove`.
    var counts: [Secret: Int] = [:]
    var segments: [SecretPatterns] = []
    /// Secrets that are in no segment.
    var pending: Set<Secret> = []
    /// Secrets of the segments that were removed.
    var removed = 0

    mutating func countAdded() {
      for secret in added {
        counts[secret, default: 0] += 1
        // A secret that was removed may still be in a segment; twice does no harm.
        if counts[secret] == 1 { pending.insert(secret) }
      }
      added = []
    }

    mutating func build() {
      countAdded()
      guard !pending.isEmpty else { return }
      var secrets = Array(pending)
      pending = []
      while let last = segments.last, last.secrets.count <= 2 * secrets.count {
        let live = last.secrets.filter { counts[$0] != nil }
        removed -= last.secrets.count - live.count
        secrets += live
        segments.removeLast()
      }
      segments.append(SecretPatterns(of: secrets))
    }

    mutating func forget(_ secret: Secret) {
      if pending.remove(secret) != nil { return }
      removed += 1
      guard counts.count <= Redactor.smallCount || removed > counts.count else { return }
      (segments, removed) = ([], 0)
      pending = Set(counts.keys)
    }
  }

  private let parent: Redactor?
  private let state = Mutex(State())

  /// - Parameter parent: a set that also contains the secrets of this one.
  public init(in parent: Redactor? = nil) { self.parent = parent }

  deinit {
    guard let parent else { return }
    let counts = state.withLock { state in
      state.countAdded()
      return state.counts
    }
    for (secret, count) in counts {
      for _ in 0..<count { parent.remove(secret.text) }
    }
  }

  public func add(_ secret: String) {
    guard secret.utf8.count >= Self.minimumBytes else { return }
    state.withLock { $0.added.append(Secret(text: secret)) }
    parent?.add(secret)
  }

  /// Reverts one `add`.
  public func remove(_ secret: String) {
    let wasFound = state.withLock { state in
      state.countAdded()
      let secret = Secret(text: secret)
      guard let count = state.counts[secret] else { return false }
      state.counts[secret] = count > 1 ? count - 1 : nil
      if count == 1 { state.forget(secret) }
      return true
    }
    if wasFound { parent?.remove(secret) }
  }

  /// The patterns of all secrets at this time.
  package var search: SecretSearch {
    SecretSearch(
      state.withLock { state in
        state.build()
        return state.segments
      })
  }

  /// Replaces all secrets in a text.
  public func redact(_ text: String) -> String { search.redact(text) }

  /// Replaces all secrets in bytes of any encoding.
  public func redact(_ bytes: [UInt8]) -> [UInt8] { search.redact(bytes) }

  /// Replaces secrets in the strings, member names and numbers of JSON from a writer. Everything
  /// else stays the same, byte for byte, except spaces between tokens.
  ///
  /// - Parameter layout: the parts that are not changed.
  public func redact(json bytes: [UInt8], _ layout: MessageLayout = .foreign) -> [UInt8] {
    search.replacement(json: bytes, layout) ?? bytes
  }
}

/// A secret, compared by its bytes: canonically equivalent text has other bytes.
struct Secret: Hashable, Sendable {
  let text: String

  static func == (first: Secret, second: Secret) -> Bool {
    first.text.utf8.elementsEqual(second.text.utf8)
  }

  func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}

/// The sets of secrets that may occur in the output of one invocation.
public struct RedactionScope: Sendable {
  private let connection: Redactor?
  /// The secrets of the request, such as a password that it sets.
  private let request: Redactor?

  public static let nothing = RedactionScope(nil, nil)

  package init(_ connection: Redactor?, _ request: Redactor? = nil) {
    self.connection = connection
    self.request = request
  }

  package var search: SecretSearch {
    guard let connection else { return request?.search ?? .nothing }
    guard let request else { return connection.search }
    return connection.search + request.search
  }
}
