import Basics
import HTTPServer
import JSON

/// One authorized call. Its methods are in the subdirectories.
struct GmailCall {
  let request: HTTPServer.Request
  let route: GmailRoute
  let access: GoogleGrants.Access
  /// The owner of the mailbox, or the administrator who uses the directory.
  let caller: DirectoryUser
  let clock: SandboxClock

  var now: Int { clock.now }

  /// Limits recursion: the stack of a connection's thread is small, and the bodies are flat.
  private static let maximumDepth = 32

  func perform(on domain: inout GoogleDomain) throws(GoogleAPIError) -> HTTPServer.Response {
    switch route.action {
    case .profile: ok(try profile(&domain))
    case .messageList: ok(try messageList(&domain))
    case .message(let id): ok(try message(id, &domain))
    case .messageDelete(let id): try deleteMessage(id, &domain)
    case .attachment(let id, let messageID): ok(try attachment(id, of: messageID, &domain))
    case .trash(let id): ok(try change(id, &domain, add: ["TRASH"], remove: ["INBOX", "SPAM"]))
    case .untrash(let id): ok(try change(id, &domain, add: [], remove: ["TRASH"]))
    case .modify(let id): ok(try modify(id, &domain))
    case .batchModify: try batchModify(&domain)
    case .batchDelete: try batchDelete(&domain)
    case .send: try send(&domain)
    case .draftList: ok(try draftList(&domain))
    case .draft(let id): ok(try draft(id, &domain))
    case .draftCreate: ok(try createDraft(&domain))
    case .draftUpdate(let id): ok(try updateDraft(id, &domain))
    case .draftDelete(let id): try deleteDraft(id, &domain)
    case .draftSend: ok(try sendDraft(&domain))
    case .labelList: ok(try labelList(&domain))
    case .label(let id): ok(try label(id, &domain))
    case .labelCreate: ok(try createLabel(&domain))
    case .labelDelete(let id): try deleteLabel(id, &domain)
    case .vacation: ok(try mailbox(&domain).vacation.json)
    case .vacationUpdate: ok(try updateVacation(&domain))
    case .sendAsList: ok(try sendAsList(&domain))
    case .sendAs(let address): ok(try sendAs(address, &domain))
    case .userList: ok(try userList(&domain))
    case .user(let key): ok(try user(key, domain).json)
    case .userInsert: ok(try insertUser(&domain))
    case .userUpdate(let key): ok(try updateUser(key, &domain))
    case .userDelete(let key): try deleteUser(key, &domain)
    }
  }

  func mailbox(_ domain: inout GoogleDomain) throws(GoogleAPIError) -> GmailMailbox {
    domain.mailbox(of: caller)
  }

  // MARK: Requests

  /// The body as an object. No body counts as an empty object.
  func body() throws(GoogleAPIError) -> JSON {
    if request.body.isEmpty { return JSONFragment { $0.object { _ in } }.json }
    let limits = JSONLimits(depth: Self.maximumDepth)
    guard let json = try? JSON.parse(request.body, limits: limits), json.kind == .object else {
      throw Self.parseError
    }
    return json
  }

  static let parseError = GoogleAPIError.error(
    400, "Invalid JSON payload received. Unexpected token.", reason: "parseError")

  /// Like the mail API's front end, rejects unknown members.
  func body(only names: [String]) throws(GoogleAPIError) -> JSON {
    let json = try body()
    for member in json.members {
      let name = member.name.string ?? ""
      guard names.contains(name) else {
        throw .invalidArgument(
          "Invalid JSON payload received. Unknown name \"\(name)\": Cannot find field.")
      }
    }
    return json
  }

  func flag(_ name: String) throws(GoogleAPIError) -> Bool {
    switch request.query(name)?.lowercased() {
    case nil, "false", "0": return false
    case "true", "1", "": return true
    default:
      throw .invalidArgument("Invalid value at '\(name)' (TYPE_BOOL)")
    }
  }

  func number(_ name: String) throws(GoogleAPIError) -> Int? {
    guard let text = request.query(name) else { return nil }
    guard let number = Int(text) else {
      throw .invalidArgument("Invalid value at '\(name)' (TYPE_UINT32), \"\(text)\"")
    }
    return number
  }

  // MARK: Responses

  private func ok(_ value: JSONFragment) -> HTTPServer.Response { .googleJSON(200, value) }

  static let done = HTTPServer.Response(204)
}
