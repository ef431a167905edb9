import Basics
import HTTPServer
import JSON

/// The labels of a mailbox.
extension GmailCall {
  func labelList(_ domain: inout GoogleDomain) throws(GoogleAPIError) -> JSONFragment {
    let mailbox = try mailbox(&domain)
    return JSONFragment { writer in
      writer.object { writer in
        writer.name("labels")
        writer.array { writer in for label in mailbox.labels { label.write(to: &writer) } }
      }
    }
  }

  func label(_ id: String, _ domain: inout GoogleDomain) throws(GoogleAPIError) -> JSONFragment {
    let mailbox = try mailbox(&domain)
    guard let label = mailbox.label(id) else { throw .notFound }
    let messages = mailbox.messages.filter { $0.labels.contains(id) }
    return JSONFragment { label.write(to: &$0, counted: messages) }
  }

  func createLabel(_ domain: inout GoogleDomain) throws(GoogleAPIError) -> JSONFragment {
    let body = try body(only: [
      "id", "name", "messageListVisibility", "labelListVisibility", "type", "color",
    ])
    guard let name = body["name"]?.string, !name.trimmed.isEmpty else {
      throw .invalidArgument("Invalid label name")
    }
    let number = domain.nextNumber()
    return try domain.change(caller) { (mailbox) throws(GoogleAPIError) in
      guard !mailbox.labels.contains(where: { $0.name.lowercased() == name.lowercased() }) else {
        throw .error(409, "Label name exists or conflicts", reason: "aborted")
      }
      let label = GmailLabel(
        id: "Label_\(number + 100)", name: name,
        messageListVisibility: body["messageListVisibility"]?.string ?? "show",
        labelListVisibility: body["labelListVisibility"]?.string ?? "labelShow")
      mailbox.labels.append(label)
      return JSONFragment { label.write(to: &$0) }
    }
  }

  func deleteLabel(
    _ id: String, _ domain: inout GoogleDomain
  ) throws(GoogleAPIError) -> HTTPServer.Response {
    try domain.change(caller) { (mailbox) throws(GoogleAPIError) in
      guard let label = mailbox.label(id) else { throw .notFound }
      guard !label.isSystem else { throw .invalidArgument("Invalid delete request") }
      mailbox.labels.removeAll { $0.id == id }
      mailbox.change(Set(mailbox.messages.map(\.id)), add: [], remove: [id])
    }
    return Self.done
  }
}
