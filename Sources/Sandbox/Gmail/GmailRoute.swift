/// A parsed path of the two APIs.
struct GmailRoute: Equatable {
  enum Action: Equatable {
    case profile
    case messageList
    case message(String)
    case messageDelete(String)
    case attachment(String, messageID: String)
    case trash(String)
    case untrash(String)
    case modify(String)
    case batchModify, batchDelete
    case send
    case draftList, draftCreate, draftSend
    case draft(String)
    case draftUpdate(String)
    case draftDelete(String)
    case labelList, labelCreate
    case label(String)
    case labelDelete(String)
    case vacation, vacationUpdate
    case sendAsList
    case sendAs(String)
    case userList, userInsert
    case user(String)
    case userUpdate(String)
    case userDelete(String)
  }

  let action: Action
  /// The address of the mailbox, or `me`; nil for the directory.
  let mailbox: String?
  /// Whether the body is or contains a mail.
  let isUpload: Bool

  /// Whether the path belongs to one of the two APIs, even if nothing is there.
  static func handles(_ path: String) -> Bool {
    ["/gmail/", "/upload/gmail/", "/resumable/upload/gmail/", "/admin/directory/"]
      .contains { path.hasPrefix($0) }
  }

  /// Nil if nothing is there, also for an unsupported verb.
  init?(_ verb: String, _ path: String) {
    var words = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard words.first == "" else { return nil }
    words.removeFirst()
    if words.starts(with: ["admin", "directory", "v1", "users"]) {
      guard let action = Self.directory(verb, Array(words.dropFirst(4))) else { return nil }
      self.action = action
      mailbox = nil
      isUpload = false
      return
    }
    if words.starts(with: ["resumable", "upload"]) { words.removeFirst() }
    isUpload = words.first == "upload"
    if isUpload { words.removeFirst() }
    guard words.starts(with: ["gmail", "v1", "users"]), words.count > 4, !words.contains(""),
      let action = Self.mail(verb, Array(words.dropFirst(4))), !isUpload || action == .send
    else { return nil }
    self.action = action
    mailbox = words[3]
  }

  private static func mail(_ verb: String, _ words: [String]) -> Action? {
    switch (verb, words[0], words.count) {
    case ("GET", "profile", 1): .profile
    case (_, "messages", _): message(verb, Array(words.dropFirst()))
    case ("GET", "drafts", 1): .draftList
    case ("POST", "drafts", 1): .draftCreate
    case ("POST", "drafts", 2) where words[1] == "send": .draftSend
    case ("GET", "drafts", 2): .draft(words[1])
    case ("PUT", "drafts", 2): .draftUpdate(words[1])
    case ("DELETE", "drafts", 2): .draftDelete(words[1])
    case ("GET", "labels", 1): .labelList
    case ("POST", "labels", 1): .labelCreate
    case ("GET", "labels", 2): .label(words[1])
    case ("DELETE", "labels", 2): .labelDelete(words[1])
    case ("GET", "settings", 2) where words[1] == "vacation": .vacation
    case ("PUT", "settings", 2) where words[1] == "vacation": .vacationUpdate
    case ("GET", "settings", 2) where words[1] == "sendAs": .sendAsList
    case ("GET", "settings", 3) where words[1] == "sendAs": .sendAs(words[2])
    default: nil
    }
  }

  private static func message(_ verb: String, _ words: [String]) -> Action? {
    switch (verb, words.count) {
    case ("GET", 0): .messageList
    case ("GET", 1): .message(words[0])
    case ("DELETE", 1): .messageDelete(words[0])
    case ("POST", 1) where words[0] == "send": .send
    case ("POST", 1) where words[0] == "batchModify": .batchModify
    case ("POST", 1) where words[0] == "batchDelete": .batchDelete
    case ("PUT", 1) where words[0] == "send": .send
    case ("POST", 2) where words[1] == "trash": .trash(words[0])
    case ("POST", 2) where words[1] == "untrash": .untrash(words[0])
    case ("POST", 2) where words[1] == "modify": .modify(words[0])
    case ("GET", 3) where words[1] == "attachments": .attachment(words[2], messageID: words[0])
    default: nil
    }
  }

  private static func directory(_ verb: String, _ words: [String]) -> Action? {
    switch (verb, words.count) {
    case ("GET", 0): .userList
    case ("POST", 0): .userInsert
    case ("GET", 1): .user(words[0])
    case ("PUT", 1), ("PATCH", 1): .userUpdate(words[0])
    case ("DELETE", 1): .userDelete(words[0])
    default: nil
    }
  }

  /// Scopes for this call. One of them is sufficient.
  var scopes: Set<GoogleScope> {
    switch action {
    case .profile: [.mail, .compose, .metadata, .modify, .readOnly]
    case .messageList, .message: [.mail, .modify, .readOnly, .metadata]
    case .attachment: [.mail, .modify, .readOnly]
    case .messageDelete, .batchDelete: [.mail]
    case .trash, .untrash, .modify, .batchModify: [.mail, .modify]
    case .send: [.mail, .compose, .modify, .send]
    case .draftList, .draft: [.mail, .compose, .modify, .readOnly]
    case .draftCreate, .draftUpdate, .draftDelete, .draftSend: [.mail, .compose, .modify]
    case .labelList, .label: [.mail, .labels, .metadata, .modify, .readOnly]
    case .labelCreate, .labelDelete: [.mail, .labels, .modify]
    case .vacation, .sendAsList, .sendAs: [.mail, .modify, .readOnly, .settingsBasic]
    case .vacationUpdate: [.settingsBasic]
    case .userList: [.users, .usersReadOnly, .cloudPlatform]
    case .user: [.users, .usersReadOnly]
    case .userInsert, .userUpdate, .userDelete: [.users]
    }
  }

  /// Parameters in addition to the common ones.
  var parameters: [String] {
    switch action {
    case .messageList: ["q", "labelIds", "maxResults", "pageToken", "includeSpamTrash"]
    case .message: ["format", "metadataHeaders"]
    case .draft: ["format"]
    case .userList:
      [
        "customer", "domain", "maxResults", "orderBy", "sortOrder", "query", "pageToken",
        "projection", "customFieldMask", "showDeleted", "viewType", "event",
      ]
    case .userInsert: ["resolveConflictAccount"]
    case .user: ["projection", "customFieldMask", "viewType"]
    default: []
    }
  }

  private static let common = [
    "$.xgafv", "access_token", "alt", "callback", "fields", "key", "oauth_token", "prettyPrint",
    "quotaUser", "upload_protocol", "uploadType", "upload_id",
  ]

  func accepts(_ parameter: String) -> Bool {
    Self.common.contains(parameter) || parameters.contains(parameter)
  }
}
