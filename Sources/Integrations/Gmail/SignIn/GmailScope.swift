/// The OAuth scopes of the two APIs, by the last part of their addresses.
///
/// Scopes of add-ons are missing: they apply only inside an open add-on of Gmail.
enum GmailScope: String, Sendable, CaseIterable {
  case send = "gmail.send"
  case labels = "gmail.labels"
  case metadata = "gmail.metadata"
  case readOnly = "gmail.readonly"
  case compose = "gmail.compose"
  case insert = "gmail.insert"
  case modify = "gmail.modify"
  case settingsBasic = "gmail.settings.basic"
  case settingsSharing = "gmail.settings.sharing"
  case mail = "mail.google.com"
  case usersReadOnly = "admin.directory.user.readonly"
  case users = "admin.directory.user"
  case cloudPlatform = "cloud-platform"

  /// The scopes that the document asks administrators to delegate, without `gmail.settings.sharing`,
  /// which no command needs. A connection that names no scopes uses these.
  static let documented: [GmailScope] = [.mail, .settingsBasic, .users]

  /// The address of the scope, as token requests contain it.
  var url: String {
    self == .mail ? "https://mail.google.com/" : "https://www.googleapis.com/auth/\(rawValue)"
  }

  /// - Parameter text: the address of a scope, or its last part.
  init?(named text: String) {
    let name = text.hasSuffix("/") ? String(text.dropLast()) : text
    guard
      let scope = Self.allCases.first(where: { scope in
        name == scope.rawValue || text == scope.url || name + "/" == scope.url
      })
    else { return nil }
    self = scope
  }
}

/// What a request does, as far as it decides which scopes suffice.
enum GmailOperation: String, Sendable {
  case readProfile
  /// Also: lists messages without a search.
  case readHeaders
  case readMail, readLabels, changeMail, deleteMail, sendMail
  case readSettings, changeSettings
  case readUsers, changeUsers

  /// For errors.
  var gerund: String {
    switch self {
    case .readProfile: "reading the profile of a mailbox"
    case .readHeaders: "reading the headers of mail"
    case .readMail: "reading and searching mail"
    case .readLabels: "listing labels"
    case .changeMail: "changing the labels of mail"
    case .deleteMail: "deleting mail"
    case .sendMail: "sending mail"
    case .readSettings: "reading the settings of a mailbox"
    case .changeSettings: "changing the settings of a mailbox"
    case .readUsers: "listing users"
    case .changeUsers: "creating, changing and deleting users"
    }
  }

  /// The scopes of which one suffices, the one that allows least first.
  ///
  /// Sources: `scopes` of the methods in the discovery documents, and their texts: `gmail.metadata`
  /// allows neither the parameter `q` of messages.list nor the formats `full` and `raw` of messages.get.
  var sufficientScopes: [GmailScope] {
    switch self {
    case .readProfile: [.metadata, .readOnly, .compose, .modify, .mail]
    case .readHeaders: [.metadata, .readOnly, .modify, .mail]
    case .readMail: [.readOnly, .modify, .mail]
    case .readLabels: [.labels, .metadata, .readOnly, .modify, .mail]
    case .changeMail: [.modify, .mail]
    case .deleteMail: [.mail]
    case .sendMail: [.send, .compose, .modify, .mail]
    // Before the scopes that read all mail.
    case .readSettings: [.settingsBasic, .readOnly, .modify, .mail]
    case .changeSettings: [.settingsBasic]
    case .readUsers: [.usersReadOnly, .users, .cloudPlatform]
    case .changeUsers: [.users]
    }
  }

  /// The least of `scopes` that suffices, or nil.
  func leastScope(of scopes: [GmailScope]) -> GmailScope? {
    sufficientScopes.first(where: scopes.contains)
  }
}

/// What a request does, and as whom.
struct GmailGrant: Sendable, Hashable {
  let operation: GmailOperation
  /// The owner of the mailbox; nil for the administrator.
  let user: String?

  /// The form in `HTTPRequest.credential`.
  var text: String { "\(operation.rawValue) \(user ?? "")" }

  init(_ operation: GmailOperation, user: String?) {
    self.operation = operation
    self.user = user
  }

  init?(_ text: String?) {
    guard let text, let end = text.firstIndex(of: " "),
      let operation = GmailOperation(rawValue: String(text[..<end]))
    else { return nil }
    let user = text[text.index(after: end)...]
    self.init(operation, user: user.isEmpty ? nil : String(user))
  }
}
