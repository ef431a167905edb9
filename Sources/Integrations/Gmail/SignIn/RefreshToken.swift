import IntegrationKit
import Synchronization

/// What an OAuth client fetches access tokens with: the one that was issued last, or else the
/// connection's.
final class RefreshToken: Sendable {
  private let setting: SecretReference?
  private let connection: Connection
  private let issued = Mutex<String?>(nil)

  init(_ setting: SecretReference?, on connection: Connection) {
    self.setting = setting
    self.connection = connection
  }

  /// Nil where the user has not consented yet.
  func text(in invocation: Invocation) async throws(CommandError) -> String? {
    if let issued = issued.withLock({ $0 }) { return issued }
    guard let setting else { return nil }
    return try await TokenEndpoint.read(setting, "refresh_token", connection, in: invocation)
  }

  /// Whether it came since the start; the connection's code has been used then.
  var wasIssued: Bool { issued.withLock { $0 != nil } }

  /// Google issues one when a code is exchanged, and may issue another one at any time.
  ///
  /// - Returns: why it is not kept for the next start, or nil.
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
