import Basics
import HTTPServer
import JSON

/// Drafts. A draft keeps its id; each version of it is a new message with the label `DRAFT`, and
/// sending it makes a new message again.
extension GmailCall {
  func draftList(_ domain: inout GoogleDomain) throws(GoogleAPIError) -> JSONFragment {
    let mailbox = try mailbox(&domain)
    let drafts = mailbox.messages.compactMap { message in
      mailbox.draftID(ofMessage: message.id).map { (id: $0, message: message) }
    }
    return JSONFragment { writer in
      writer.object { writer in
        if !drafts.isEmpty {
          writer.name("drafts")
          writer.array { writer in
            for draft in drafts {
              Self.write(draft.id, to: &writer) { writer in
                writer.object {
                  $0.member("id", draft.message.id)
                  $0.member("threadId", draft.message.threadID)
                }
              }
            }
          }
        }
        writer.member("resultSizeEstimate", drafts.count)
      }
    }
  }

  func draft(_ id: String, _ domain: inout GoogleDomain) throws(GoogleAPIError) -> JSONFragment {
    let message = try message(try mailbox(&domain).draftMessage(id).id, &domain)
    return Self.draft(id, message)
  }

  func createDraft(_ domain: inout GoogleDomain) throws(GoogleAPIError) -> JSONFragment {
    let (raw, threadID) = try draftContent(try mailbox(&domain))
    let number = domain.nextNumber()
    let id = "r\(UInt64(number) &* 6_364_136_223_846_793_005 >> 1)"
    return try save(raw, as: id, threadID: threadID, number: number, &domain)
  }

  func updateDraft(
    _ id: String, _ domain: inout GoogleDomain
  ) throws(GoogleAPIError) -> JSONFragment {
    let mailbox = try mailbox(&domain)
    let former = try mailbox.draftMessage(id)
    let (raw, threadID) = try draftContent(mailbox)
    domain.change(caller) { $0.delete([former.id]) }
    return try save(
      raw, as: id, threadID: threadID, number: domain.nextNumber(), replacing: former, &domain)
  }

  func deleteDraft(
    _ id: String, _ domain: inout GoogleDomain
  ) throws(GoogleAPIError) -> HTTPServer.Response {
    let message = try mailbox(&domain).draftMessage(id)
    domain.change(caller) { $0.delete([message.id]) }
    return Self.done
  }

  func sendDraft(_ domain: inout GoogleDomain) throws(GoogleAPIError) -> JSONFragment {
    let body = try body(only: ["id", "message"])
    let draft = try mailbox(&domain).draftMessage(body["id"]?.string ?? "")
    let raw = try body["message"].flatMap { $0["raw"] }.map(Self.mail) ?? draft.raw
    domain.change(caller) { $0.delete([draft.id]) }
    let isAlone = try !mailbox(&domain).messages.contains { $0.threadID == draft.threadID }
    return try deliver(raw, threadID: isAlone ? nil : draft.threadID, &domain)
  }

  private func draftContent(
    _ mailbox: GmailMailbox
  ) throws(GoogleAPIError) -> (raw: [UInt8], threadID: String?) {
    let body = try body(only: ["id", "message"])
    guard let message = body["message"], let raw = message["raw"] else { throw Self.noMail }
    return (try Self.mail(raw), try thread(message["threadId"]?.string, mailbox))
  }

  private func save(
    _ raw: [UInt8], as id: String, threadID: String?, number: Int,
    replacing former: GmailMessage? = nil, _ domain: inout GoogleDomain
  ) throws(GoogleAPIError) -> JSONFragment {
    let outgoing = OutgoingMail(
      raw, sender: caller, sendAs: try sendAs(&domain),
      messageID: "<sandbox-draft-\(number)@mail.gmail.com>",
      date: MailDate.text(now))
    let message = domain.change(caller) { mailbox in
      mailbox.addDraft(
        outgoing.bytes(keepingBcc: true), id: id, atMilliseconds: clock.nowMilliseconds,
        number: number, threadID: threadID, replacing: former)
    }
    return Self.draft(id, message.slimJSON)
  }

  private static func draft(_ id: String, _ message: JSONFragment) -> JSONFragment {
    JSONFragment { writer in write(id, to: &writer) { $0.value(message) } }
  }

  private static func write(
    _ id: String, to writer: inout JSONWriter, message: (inout JSONWriter) -> Void
  ) {
    writer.object { writer in
      writer.member("id", id)
      writer.name("message")
      message(&writer)
    }
  }
}
