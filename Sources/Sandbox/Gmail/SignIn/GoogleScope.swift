/// The scope of an access token. Raw values are the last part of
/// `https://www.googleapis.com/auth/…`, except for full mail access, which has a different URL.
enum GoogleScope: String, CaseIterable {
  case mail = "https://mail.google.com/"
  case modify = "gmail.modify"
  case readOnly = "gmail.readonly"
  case metadata = "gmail.metadata"
  case compose = "gmail.compose"
  case send = "gmail.send"
  case insert = "gmail.insert"
  case labels = "gmail.labels"
  case settingsBasic = "gmail.settings.basic"
  case settingsSharing = "gmail.settings.sharing"
  case users = "admin.directory.user"
  case usersReadOnly = "admin.directory.user.readonly"
  case cloudPlatform = "cloud-platform"
  case openID = "openid"
  case email = "userinfo.email"

  private static let prefix = "https://www.googleapis.com/auth/"

  /// The documented scopes of a connection: what the user consented to, and the administrator granted
  /// to the first service account.
  static let documented: Set<GoogleScope> = [.mail, .settingsBasic, .settingsSharing, .users]

  /// What the administrator granted to the second service account: each allows a part of that.
  static let narrow: Set<GoogleScope> = [
    .send, .labels, .metadata, .readOnly, .compose, .modify, .settingsBasic, .usersReadOnly,
  ]

  var address: String {
    self == .mail || self == .openID ? rawValue : Self.prefix + rawValue
  }

  /// Nil if a scope is unknown or the text is empty.
  static func set(_ text: String) -> Set<GoogleScope>? {
    let words = text.split(separator: " ")
    let scopes = words.compactMap { word in allCases.first { $0.address == word } }
    return scopes.isEmpty || scopes.count < words.count ? nil : Set(scopes)
  }

  static func text(_ scopes: Set<GoogleScope>) -> String {
    allCases.filter(scopes.contains).map(\.address).joined(separator: " ")
  }
}
