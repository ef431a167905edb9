import IntegrationKit
import Synchronization

/// The refresh token of an OAuth client: the last issued one, otherwise the one in the connection's
/// settings.
final class RefreshToken: Sendable {
  private let setting: SecretReference?
  private let connection: Connection
  private let issued = Mutex<String?>(nil)

  init(_ setting: SecretReference?, on connection: Connection) {
    self.setting = setting
    self.connection = connection
  }

  /// Nil if the user has not consented yet.
  func text(in invocation: Invocation) async throws(CommandError) -> String? {
    if let issued = issued.withLock({ $0 }) { return issued }
    guard let setting else { return nil }
    return try await TokenEndpoint.read(setting, "refresh_token", in: invocation)
  }

  /// Whether a token was issued since the start. The authorization code is then used up.
  var wasIssued: Bool { issued.withLock { $0 != nil } }

  /// Google issues a token when a code is exchanged, and may issue another one at any time.
  ///
  /// - Returns: the reason why it could not be saved, or nil.
  @discardableResult
  func replace(with text: String) async -> String? {
    let isNew = issued.withLock { issued in
      defer { issued = text }
      return issued != text
    }
    guard isNew else { return nil }
    connection.secrets.add(text)
    return await connection.keep(Self.settingName, text)
  }

  static let settingName = "refresh_token"
}
