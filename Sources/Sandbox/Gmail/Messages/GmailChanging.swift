import Basics
import HTTPServer
import JSON

/// Changes labels of messages, and deletes messages.
extension GmailCall {
  private static let maximumLabels = 100
  private static let maximumIDs = 1_000

  func change(
    _ id: String, _ domain: inout GoogleDomain, add: [String], remove: [String]
  ) throws(GoogleAPIError) -> JSONFragment {
    let message = try mailbox(&domain).message(id)
    return try domain.change(caller) { (mailbox) throws(GoogleAPIError) in
      mailbox.change([message.id], add: add, remove: remove)
      return try mailbox.message(message.id).slimJSON
    }
  }

  func modify(_ id: String, _ domain: inout GoogleDomain) throws(GoogleAPIError) -> JSONFragment {
    let body = try body(only: ["addLabelIds", "removeLabelIds"])
    // The request is validated before its target.
    guard GmailMessage.isID(id) else { throw .invalidID }
    let (add, remove) = try labels(of: body, try mailbox(&domain))
    return try change(id, &domain, add: add, remove: remove)
  }

  func batchModify(_ domain: inout GoogleDomain) throws(GoogleAPIError) -> HTTPServer.Response {
    let body = try body(only: [
      "ids", "addLabelIds", "removeLabelIds", "addClassificationLabels",
      "removeClassificationLabelIds",
    ])
    let ids = try ids(of: body)
    let (add, remove) = try labels(of: body, try mailbox(&domain))
    domain.change(caller) { $0.change(ids, add: add, remove: remove) }
    return Self.done
  }

  func deleteMessage(
    _ id: String, _ domain: inout GoogleDomain
  ) throws(GoogleAPIError) -> HTTPServer.Response {
    let message = try mailbox(&domain).message(id)
    domain.change(caller) { $0.delete([message.id]) }
    return Self.done
  }

  /// Ignores unknown messages.
  func batchDelete(_ domain: inout GoogleDomain) throws(GoogleAPIError) -> HTTPServer.Response {
    let ids = try ids(of: body(only: ["ids"]))
    domain.change(caller) { $0.delete(ids) }
    return Self.done
  }

  private func labels(
    of body: JSON, _ mailbox: GmailMailbox
  ) throws(GoogleAPIError) -> (add: [String], remove: [String]) {
    let add = try texts("addLabelIds", of: body)
    let remove = try texts("removeLabelIds", of: body)
    guard !add.isEmpty || !remove.isEmpty else {
      throw .invalidArgument("No label add or removes specified")
    }
    guard add.count <= Self.maximumLabels, remove.count <= Self.maximumLabels else {
      throw .invalidArgument("Too many labels")
    }
    for id in add + remove {
      guard let label = mailbox.label(id), !label.isFixed else { throw .invalidLabel(id) }
    }
    if let both = add.first(where: remove.contains) {
      throw .invalidArgument("Cannot both add and remove the same label: \(both)")
    }
    return (add, remove)
  }

  private func ids(of body: JSON) throws(GoogleAPIError) -> Set<String> {
    let ids = try texts("ids", of: body)
    guard !ids.isEmpty else { throw .invalidArgument("No message ids specified") }
    guard ids.count <= Self.maximumIDs else { throw .invalidArgument("Too many message ids") }
    guard ids.allSatisfy(GmailMessage.isID) else { throw .invalidID }
    return Set(ids.map { $0.lowercased() })
  }

  private func texts(_ name: String, of body: JSON) throws(GoogleAPIError) -> [String] {
    guard let list = body[name], !list.isNull else { return [] }
    guard list.kind == .array else {
      throw .invalidArgument("Invalid value at '\(name)' (TYPE_STRING)")
    }
    var texts: [String] = []
    for element in list.elements {
      guard let text = element.string else {
        throw .invalidArgument("Invalid value at '\(name)[\(texts.count)]' (TYPE_STRING)")
      }
      texts.append(text)
    }
    return texts
  }
}
