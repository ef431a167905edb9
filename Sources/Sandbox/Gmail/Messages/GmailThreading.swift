/// To which thread a message belongs.
extension GmailMailbox {
  /// The thread of a message that the headers refer to and whose subject matches. The documentation of
  /// `Message.threadId` has these conditions also for a thread that the request names.
  ///
  /// - Parameter requested: the thread that the request names, or nil.
  func thread(of raw: [UInt8], requested: String?) -> String? {
    let (headers, _) = MIMEHeader.split(raw[...])
    let references = ["In-Reply-To", "References"]
      .compactMap { MIMEHeader.first($0, in: headers) }.joined(separator: " ")
    guard !references.isEmpty else { return nil }
    let topic = Self.topic(MIMEHeader.first("Subject", in: headers))
    return messages.first { message in
      guard requested == nil || message.threadID == requested,
        let id = message.mail.header("Message-ID"), references.contains(id)
      else { return false }
      return Self.topic(message.mail.header("Subject")) == topic
    }?.threadID
  }

  /// A subject without the marks of replies and forwarded mail.
  private static func topic(_ subject: String?) -> String {
    var text = EncodedWord.decode(subject ?? "").lowercased().trimmed
    while let mark = ["re:", "fwd:", "fw:", "aw:", "wg:"].first(where: text.hasPrefix) {
      text = String(text.dropFirst(mark.count)).trimmed
    }
    return text
  }
}
