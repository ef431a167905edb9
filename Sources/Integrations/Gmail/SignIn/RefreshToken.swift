import IntegrationKit
import Synchronization

/// The refresh token of an OAuth client: the newest of those in the connection's file and those that
/// were issued to this process.
///
/// Other processes may use the same file. `text` and `replace` are called with the setting locked
/// (`Connection.exclusively`).
final class RefreshToken: Sendable {
  private struct State {
    /// Nil if nothing is known yet.
    var current: String?
    /// What the file had when it was read or written last.
    var stored: String?
    var wasIssued = false
    /// Texts that are redacted for this connection, the newest last.
    var redacted: [String] = []
  }

  /// Replaced tokens that stay redacted: responses in flight may contain them.
  private static let redactedTokens = 4

  private let setting: SecretReference?
  private let connection: Connection
  private let state = Mutex(State())

  init(_ setting: SecretReference?, on connection: Connection) {
    self.setting = setting
    self.connection = connection
  }

  /// Nil if the user has not consented yet.
  func text(in invocation: Invocation) async throws(CommandError) -> String? {
    if let stored = await connection.stored(Self.settingName) {
      let isNew = state.withLock { $0.stored != stored }
      if isNew { adopt(stored) }
    }
    if let current = state.withLock({ $0.current }) { return current }
    guard let setting else { return nil }
    return try await TokenEndpoint.read(setting, Self.settingName, in: invocation)
  }

  /// The token of the file, after the vendor rejected `rejected`; nil if it is the same.
  func textOfFile(insteadOf rejected: String) async -> String? {
    guard let stored = await connection.stored(Self.settingName), stored != rejected else {
      return nil
    }
    adopt(stored)
    return stored
  }

  private func adopt(_ stored: String) {
    state.withLock { state in
      state.stored = stored
      state.current = stored
    }
    redact(stored)
  }

  /// Whether a token was issued since the start. The authorization code is then used up.
  var wasIssued: Bool { state.withLock { $0.wasIssued } }

  /// Google issues a token when a code is exchanged, and may issue another one at any time.
  ///
  /// - Returns: the reason why it could not be saved, or nil.
  @discardableResult
  func replace(with text: String) async -> String? {
    redact(text)
    let isNew = state.withLock { state in
      defer { (state.current, state.wasIssued) = (text, true) }
      return state.current != text
    }
    guard isNew else { return nil }
    let obstacle = await connection.keep(Self.settingName, text)
    if obstacle == nil { state.withLock { $0.stored = text } }
    return obstacle
  }

  private func redact(_ text: String) {
    let released = state.withLock { state -> String? in
      if state.redacted.contains(text) { return text }
      state.redacted.append(text)
      return state.redacted.count > Self.redactedTokens ? state.redacted.removeFirst() : nil
    }
    connection.secrets.add(text)
    if let released { connection.secrets.remove(released) }
  }

  static let settingName = "refresh_token"
}
