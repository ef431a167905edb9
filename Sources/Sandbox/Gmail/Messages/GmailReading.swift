import Basics
import JSON

/// Reads the profile, messages and attachments.
extension GmailCall {
  private static let defaultPage = 100
  private static let maximumPage = 500

  func profile(_ domain: inout GoogleDomain) throws(GoogleAPIError) -> JSONFragment {
    let mailbox = try mailbox(&domain)
    return JSONFragment { writer in
      writer.object { writer in
        writer.member("emailAddress", mailbox.address)
        writer.member("messagesTotal", mailbox.messages.count)
        writer.member("threadsTotal", Set(mailbox.messages.map(\.threadID)).count)
        writer.member("historyId", String(mailbox.historyID))
      }
    }
  }

  func messageList(_ domain: inout GoogleDomain) throws(GoogleAPIError) -> JSONFragment {
    let mailbox = try mailbox(&domain)
    let query = request.query("q") ?? ""
    if !query.isEmpty && access.scopes.isDisjoint(with: [.mail, .modify, .readOnly]) {
      throw .error(
        403, "Metadata scope does not support 'q' parameter", reason: "forbidden")
    }
    let wanted = request.query.filter { $0.name == "labelIds" }.map(\.value)
    for id in wanted where mailbox.label(id) == nil { throw .invalidLabel(id) }
    let search = GmailSearch(query, mailbox.labels, now: now)
    let showsAll = try flag("includeSpamTrash") || search.namesSpamOrTrash
    let found = mailbox.messages.filter { message in
      let isHidden = ["SPAM", "TRASH"].contains {
        message.labels.contains($0) && !wanted.contains($0)
      }
      return (showsAll || !isHidden) && wanted.allSatisfy(message.labels.contains)
        && search.matches(message)
    }
    return try page(of: found)
  }

  private func page(of found: [GmailMessage]) throws(GoogleAPIError) -> JSONFragment {
    let size = try number("maxResults") ?? Self.defaultPage
    guard size >= 0 else { throw .invalidArgument("Invalid value at 'max_results' (TYPE_UINT32)") }
    // Larger values are reduced to the maximum, and 0 means the default.
    let limit = size == 0 ? Self.defaultPage : min(size, Self.maximumPage)
    var start = 0
    if let token = request.query("pageToken"), !token.isEmpty {
      guard let last = GmailPageToken.id(token) else {
        throw .invalidArgument("Invalid pageToken")
      }
      // Paging by id: mail that arrives or disappears in the meantime does not shift the pages.
      start = found.firstIndex { $0.id < last } ?? found.count
    }
    let shown = found[start...].prefix(limit)
    let hasMore = start + shown.count < found.count
    return JSONFragment { writer in
      writer.object { writer in
        if !shown.isEmpty {
          writer.name("messages")
          writer.array { writer in
            for message in shown {
              writer.object { writer in
                writer.member("id", message.id)
                writer.member("threadId", message.threadID)
              }
            }
          }
        }
        if hasMore, let last = shown.last {
          writer.member("nextPageToken", GmailPageToken.text(last.id))
        }
        // Gmail only estimates the number if there is a second page.
        writer.member("resultSizeEstimate", hasMore ? 201 : found.count)
      }
    }
  }

  func message(_ id: String, _ domain: inout GoogleDomain) throws(GoogleAPIError) -> JSONFragment {
    let message = try mailbox(&domain).message(id)
    let format = request.query("format")?.lowercased() ?? "full"
    guard ["full", "metadata", "minimal", "raw"].contains(format) else {
      throw .invalidArgument("Invalid value at 'format' (TYPE_ENUM), \"\(format)\"")
    }
    if ["full", "raw"].contains(format),
      access.scopes.isDisjoint(with: [.mail, .modify, .readOnly])
    {
      throw .error(
        403, "Metadata scope doesn't allow format \(format.uppercased())", reason: "forbidden")
    }
    let names = request.query.filter { $0.name == "metadataHeaders" }.map { $0.value.lowercased() }
    var attachments = domain.attachments
    defer { domain.attachments = attachments }
    let payload = GmailPayload { content in
      attachments.name(content, userID: caller.id, messageID: message.id, now: now)
    }
    return JSONFragment { writer in
      writer.object { writer in
        message.writeHead(to: &writer)
        writer.member("snippet", MailText.snippet(message.text))
        switch format {
        case "full":
          writer.name("payload")
          payload.write(message.mail, id: "", to: &writer)
        case "metadata":
          writer.name("payload")
          writer.object { writer in
            writer.member("mimeType", message.mail.type)
            GmailPayload.writeHeaders(
              message.mail.headers, only: names.isEmpty ? nil : Set(names), to: &writer)
          }
        case "raw": writer.member("raw", Base64.encode(message.raw, alphabet: .urlSafe))
        default: break
        }
        writer.member("sizeEstimate", message.raw.count)
        writer.member("historyId", String(message.historyID))
        writer.member("internalDate", String(message.receivedMilliseconds))
      }
    }
  }

  func attachment(
    _ id: String, of messageID: String, _ domain: inout GoogleDomain
  ) throws(GoogleAPIError) -> JSONFragment {
    let message = try mailbox(&domain).message(messageID)
    let bytes = domain.attachments.bytes(
      id, userID: caller.id, messageID: message.id, now: now)
    guard let bytes else { throw .invalidArgument("Invalid attachment token") }
    return JSONFragment { writer in
      writer.object { writer in
        writer.member("size", bytes.count)
        writer.member("data", Base64.encode(bytes, alphabet: .urlSafe))
      }
    }
  }
}
