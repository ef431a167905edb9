/// The scopes that the document has the administrator grant, of which a command asks for the one
/// that it needs: a request for a scope that was not granted fails as a whole.
///
/// The fourth one, `gmail.settings.sharing`, no command needs.
enum GmailScope: String, Sendable, CaseIterable {
  case mail = "https://mail.google.com/"
  case mailSettings = "https://www.googleapis.com/auth/gmail.settings.basic"
  case users = "https://www.googleapis.com/auth/admin.directory.user"
}

/// As whom and for what a request is sent.
struct GmailGrant: Sendable, Hashable {
  let scope: GmailScope
  /// The mailbox's owner; nil for the administrator.
  let user: String?

  /// As a request carries it.
  var text: String { "\(scope.rawValue) \(user ?? "")" }

  init(_ scope: GmailScope, user: String?) {
    self.scope = scope
    self.user = user
  }

  init?(_ text: String?) {
    guard let text, let blank = text.firstIndex(of: " "),
      let scope = GmailScope(rawValue: String(text[..<blank]))
    else { return nil }
    let user = text[text.index(after: blank)...]
    self.init(scope, user: user.isEmpty ? nil : String(user))
  }
}
