import Basics
import Engine
import IntegrationKit
import JSON

/// Who sent the messages of a mailbox, and their subjects: for the tables of Gmail, whose searches return
/// only ids.
struct MessageHeaders {
  /// The messages of a search whose headers are read. Each has to be fetched.
  private static let maximumMessages = 50
  private static let timeoutMilliseconds: Int64 = 20_000
  private static let names = ["From", "Subject", "Date"]

  private var byID: [String: JSON] = [:]

  /// Headers of the messages in a result themselves.
  init() {}

  /// Reads the headers of the messages that a search has found, if the connection may.
  ///
  /// - Returns: nil for another command.
  init?(of response: JSON, for search: InvocationRequest, _ run: CallRun) {
    guard search.integration.id == "gmail", search.command.id == "search_emails",
      let get = search.integration.commands.first(where: { $0.id == "get_email" }),
      let mailbox = search.arguments?["user_email"], mailbox.kind == .string,
      let found = response["result"]?["raw_data"]?["messages"]
    else { return nil }
    let ids = found.elements.prefix(Self.maximumMessages).compactMap { $0["id"] }
    guard !ids.isEmpty else { return nil }
    var options = InvocationOptions.none
    options.timeoutMilliseconds = Self.timeoutMilliseconds
    let arguments = JSONFragment { writer in
      writer.object { writer in
        writer.member("user_email", mailbox)
        writer.name("message_ids")
        writer.array { writer in for id in ids { writer.value(id) } }
      }
    }
    let messages = run.response(
      to: InvocationRequest(
        search.integration, get, on: search.connection, arguments: arguments.json,
        options: options))
    for message in messages["result"]?["raw_data"]?.elements.map({ $0 }) ?? [] {
      if let id = message["id"]?.string { byID[id] = message }
    }
  }

  /// A message with its headers as members; other items stay as they are.
  func adding(to item: JSON) -> JSON {
    let message = item["id"]?.string.flatMap { byID[$0] } ?? item
    guard let headers = message["payload"]?["headers"], headers.kind == .array else { return item }
    return JSONFragment { writer in
      writer.object { writer in
        for member in item.members where !member.name.equals("payload") {
          writer.name(copying: member.name)
          writer.value(member.value)
        }
        for name in Self.names {
          let value = headers.elements.first {
            $0["name"]?.string?.lowercased() == name.lowercased()
          }?["value"]?.string
          writer.name(text: name)
          writer.string(Self.shown(value ?? "", of: name))
        }
      }
    }.json
  }

  /// Of a sender the address, which is harder to forge than the name.
  private static func shown(_ value: String, of name: String) -> String {
    guard name == "From", let start = value.lastIndex(of: "<"),
      let end = value[start...].firstIndex(of: ">")
    else { return value }
    return String(value[value.index(after: start)..<end])
  }
}
