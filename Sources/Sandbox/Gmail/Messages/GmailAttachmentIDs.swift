import Basics

/// Attachment ids. Every read of a message creates new ones, and they expire soon.
struct GmailAttachmentIDs {
  struct Content {
    var userID: String
    var messageID: String
    var bytes: [UInt8]
    var expires: Int
  }

  /// After this time an id is unknown, and the message must be read again.
  static let lifeSeconds = 3_600
  private static let capacity = 5_000

  private var contents: [String: Content] = [:]

  mutating func name(_ bytes: [UInt8], userID: String, messageID: String, now: Int) -> String {
    if contents.count >= Self.capacity { contents = contents.filter { $0.value.expires > now } }
    if contents.count >= Self.capacity { contents.removeAll() }
    let random = (0..<72).map { _ in UInt8.random(in: 0...255) }
    let id = "ANGjdJ" + Base64.encode(random, alphabet: .urlSafe, padded: false)
    contents[id] = Content(
      userID: userID, messageID: messageID, bytes: bytes, expires: now + Self.lifeSeconds)
    return id
  }

  func bytes(_ id: String, userID: String, messageID: String, now: Int) -> [UInt8]? {
    guard let content = contents[id], content.expires > now, content.userID == userID,
      content.messageID == messageID
    else { return nil }
    return content.bytes
  }
}
