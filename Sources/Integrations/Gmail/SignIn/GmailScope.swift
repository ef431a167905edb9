/// The documented scopes. A command requests only the scope that it needs, because a request fails
/// if any of its scopes is not granted.
///
/// No command needs the fourth documented scope, `gmail.settings.sharing`.
enum GmailScope: String, Sendable, CaseIterable {
  case mail = "https://mail.google.com/"
  case mailSettings = "https://www.googleapis.com/auth/gmail.settings.basic"
  case users = "https://www.googleapis.com/auth/admin.directory.user"
}

/// The user and scope of a request.
struct GmailGrant: Sendable, Hashable {
  let scope: GmailScope
  /// The owner of the mailbox; nil for the administrator.
  let user: String?

  /// The form in `HTTPRequest.credential`.
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
