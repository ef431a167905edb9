/// The mail of one user.
struct GmailMailbox {
  let address: String
  /// Newest first.
  private(set) var messages: [GmailMessage] = []
  var labels = GmailLabel.system
  var vacation = GmailVacation()
  /// Addresses that the user added to send as.
  var addedSendAs: [GmailSendAs] = []
  /// Message ids by draft id.
  private var drafts: [String: String] = [:]
  /// Increases with every change.
  private(set) var historyID = 100_000

  init(address: String) { self.address = address }

  func message(_ id: String) throws(GoogleAPIError) -> GmailMessage {
    guard GmailMessage.isID(id) else { throw .invalidID }
    let wanted = id.lowercased()
    guard let found = messages.first(where: { $0.id == wanted }) else { throw .notFound }
    return found
  }

  func label(_ id: String) -> GmailLabel? { labels.first { $0.id == id } }

  /// Begins a new thread if the message does not belong to one.
  ///
  /// - Parameters:
  ///   - threadID: the thread that the request names, or nil.
  ///   - formerThreadID: of a message that it replaces.
  @discardableResult
  mutating func add(
    _ raw: [UInt8], labels: [String], atMilliseconds now: Int, number: Int,
    threadID: String? = nil, formerThreadID: String? = nil
  ) -> GmailMessage {
    historyID += 7
    let id = GmailMessage.id(milliseconds: now, number: number)
    let thread = formerThreadID ?? thread(of: raw, requested: threadID) ?? id
    let message = GmailMessage(
      id: id, threadID: thread, receivedMilliseconds: now, raw: raw, labels: labels,
      historyID: historyID)
    let index = messages.firstIndex { GmailMessage.isBefore(message, $0) } ?? messages.count
    messages.insert(message, at: index)
    return message
  }

  @discardableResult
  mutating func addDraft(
    _ raw: [UInt8], id: String, atMilliseconds now: Int, number: Int, threadID: String?,
    replacing former: GmailMessage? = nil
  ) -> GmailMessage {
    let message = add(
      raw, labels: ["DRAFT"], atMilliseconds: now, number: number, threadID: threadID,
      formerThreadID: threadID == nil ? former?.threadID : nil)
    drafts[id] = message.id
    return message
  }

  func draftMessage(_ id: String) throws(GoogleAPIError) -> GmailMessage {
    guard let found = messages.first(where: { $0.id == drafts[id] }) else { throw .notFound }
    return found
  }

  func draftID(ofMessage id: String) -> String? { drafts.first { $0.value == id }?.key }

  /// Ignores unknown ids.
  mutating func change(_ ids: Set<String>, add: [String], remove: [String]) {
    for index in messages.indices where ids.contains(messages[index].id) {
      historyID += 7
      messages[index].historyID = historyID
      messages[index].labels.removeAll { remove.contains($0) }
      messages[index].labels += add.filter { !messages[index].labels.contains($0) }
    }
  }

  mutating func delete(_ ids: Set<String>) {
    historyID += 7
    messages.removeAll { ids.contains($0.id) }
  }
}
