/// The complete state of the emulator: users, their mail and their grants.
struct GoogleDomain {
  static let name = "harbor.example"
  static let customerID = "C03sandb0x"

  var users: [DirectoryUser]
  var deletedUsers: [DirectoryUser] = []
  /// By user id. A mailbox is created on first use.
  var mailboxes: [String: GmailMailbox] = [:]
  var grants = GoogleGrants()
  var attachments = GmailAttachmentIDs()
  var uploads = GmailUploads()
  var userPages = DirectoryPages()
  private var lastNumber = 0

  init(users: [DirectoryUser]) { self.users = users }

  /// The active user with that address, alias or id.
  func user(_ key: String) -> DirectoryUser? {
    let key = key.lowercased()
    return users.first { $0.id == key || $0.addresses.contains(key) }
  }

  mutating func mailbox(of user: DirectoryUser) -> GmailMailbox {
    mailboxes[user.id] ?? GmailMailbox(address: user.email)
  }

  mutating func change<Value, Failure: Error>(
    _ user: DirectoryUser, _ body: (inout GmailMailbox) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    var mailbox = mailbox(of: user)
    mailboxes[user.id] = nil
    defer { mailboxes[user.id] = mailbox }
    return try body(&mailbox)
  }

  /// Returns a new number on each call.
  mutating func nextNumber() -> Int {
    lastNumber += 1
    return lastNumber
  }
}
