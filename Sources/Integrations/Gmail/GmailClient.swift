import Basics
import HTTP
import IntegrationKit
import JSON

/// Speaks with Gmail and with the Directory of a domain.
package final class GmailClient: VendorClient {
  let settings: GmailSettings
  let connection: Connection
  let tokens: GmailTokens
  let gmailRoot: String
  let batchURL: String
  let mailRoot: String
  private let uploadRoot: String
  private let directoryRoot: String

  init(_ settings: GmailSettings, on connection: Connection) {
    self.settings = settings
    self.connection = connection
    tokens = GmailTokens(settings, on: connection)
    // Users paste the paths of the APIs with their servers.
    gmailRoot =
      settings.gmailURL?.root(without: ["gmail/v1", "upload/gmail/v1", "batch/gmail/v1"]) ?? ""
    batchURL = "\(gmailRoot)/batch/gmail/\(settings.version)"
    mailRoot = "\(gmailRoot)/gmail/\(settings.version)/users/"
    uploadRoot = "\(gmailRoot)/upload/gmail/\(settings.version)/users/"
    let directory = settings.directoryURL?.root(without: ["admin/directory/v1"]) ?? ""
    directoryRoot = "\(directory)/admin/directory/v1/users"
  }

  // MARK: Requests

  /// A request about the mailbox of `user`, to a path below it, such as `/messages`, or with an id
  /// in it, as in `/messages/182b/trash`, and another one behind it.
  func mail(
    _ method: HTTPRequest.Method, _ user: String, _ path: StaticString, _ id: String? = nil,
    _ rest: StaticString = "", _ part: String? = nil, for operation: GmailOperation = .readMail,
    body: JSONFragment? = nil,
    query: (inout URLBuilder) -> Void = { _ in }
  ) -> HTTPRequest {
    var url = URLBuilder(root: mailRoot)
    url.segment(user)
    url.path(path)
    if let id { url.segment(id) }
    url.path(rest)
    if let part { url.segment(part) }
    query(&url)
    return request(method, url, GmailGrant(operation, user: user), body)
  }

  /// Asks for a place to upload a mail of `user` to, which is then sent (resumable upload).
  ///
  /// - Parameter thread: the ID of the thread that the mail joins, or nil.
  func upload(_ user: String, bytes: Int, thread: String?) -> HTTPRequest {
    var url = URLBuilder(root: uploadRoot)
    url.segment(user)
    url.path("/messages/send")
    url.query("uploadType", "resumable")
    var request = request(
      .post, url, GmailGrant(.sendMail, user: user),
      JSONFragment { $0.object { $0.member(ifPresent: "threadId", thread) } })
    request.headers.append(HTTPRequest.Header("X-Upload-Content-Type", "message/rfc822"))
    request.headers.append(HTTPRequest.Header("X-Upload-Content-Length", "\(bytes)"))
    return request
  }

  /// Whether an upload may go on there: at Gmail's own origin or, of Google's Gmail, at another host of
  /// Google's APIs.
  func mayUpload(to url: String) -> Bool {
    guard let root = settings.gmailURL else { return false }
    if root.isSameOrigin(url) { return true }
    guard root.host.hasSuffix(".googleapis.com"), let target = BaseURL.of(url) else { return false }
    return target.isSecure && target.host.hasSuffix(".googleapis.com")
  }

  /// A request to the users of the domain, or to one of them.
  func directory(
    _ method: HTTPRequest.Method, user: String? = nil, for operation: GmailOperation = .changeUsers,
    body: JSONFragment? = nil,
    query: (inout URLBuilder) -> Void = { _ in }
  ) -> HTTPRequest {
    var url = URLBuilder(root: directoryRoot)
    if let user {
      url.path("/")
      url.segment(user)
    }
    query(&url)
    return request(method, url, GmailGrant(operation, user: nil), body)
  }

  private func request(
    _ method: HTTPRequest.Method, _ url: borrowing URLBuilder, _ grant: GmailGrant,
    _ body: JSONFragment?
  ) -> HTTPRequest {
    var request: HTTPRequest
    if let body {
      request = HTTPRequest(method, url.text, json: body)
    } else {
      request = HTTPRequest(method, url.text)
      // Google refuses a POST that does not say how long it is.
      if method == .post { request.body = [] }
    }
    request.headers.append(HTTPRequest.Header("Accept", "application/json"))
    request.credential = grant.text
    request.pathTemplate = url.pathTemplate
    return request
  }

  /// The mailbox that a connection is tested with.
  var ownMailbox: String {
    settings.authenticationType == .serviceAccount ? settings.adminEmail ?? "me" : "me"
  }

  // MARK: Exchanges

  package func exchange(
    _ request: HTTPRequest, in invocation: Invocation
  ) async throws(CommandError) -> JSON {
    try await exchange(request, notFound: nil, in: invocation)
  }

  /// - Parameter notFound: the remedy if what the request names does not exist; nil for that of the
  ///   command.
  func exchange(
    _ request: HTTPRequest, notFound: String?, in invocation: Invocation
  ) async throws(CommandError) -> JSON {
    try read(try await send(request, in: invocation), notFound: notFound, in: invocation)
  }

  /// The body of an answer.
  ///
  /// - Throws: what the vendor says is wrong.
  func read(
    _ response: HTTPResponse, notFound: String? = nil, in invocation: Invocation
  ) throws(CommandError) -> JSON {
    guard response.isSuccess else {
      throw invocation.withRemedy(
        GmailErrors.error(response, notFound: notFound, in: invocation))
    }
    return try invocation.json(
      of: response, remedy: "Check gmail_url and directory_url of the connection.")
  }

  /// Sends a part of an upload. Another host gets no token: the address itself permits the upload.
  func upload(
    _ request: HTTPRequest, in invocation: Invocation
  ) async throws(CommandError) -> HTTPResponse {
    guard settings.gmailURL?.isSameOrigin(request.url) == false else {
      return try await send(request, in: invocation)
    }
    var request = request
    request.isOutsideOrigin = true
    return try await invocation.send(request, refusedByRate: GmailErrors.rateRefusal)
  }

  /// Signs in with the first scope of the connection, without a further request.
  func signIn(in invocation: Invocation) async throws(CommandError) {
    try await tokens.authenticator(for: settings.scopes[0], user: nil).prepare(in: invocation)
  }

  /// Sends a request with the token of its grant, and once more with a new one if it was rejected.
  func send(
    _ request: HTTPRequest, in invocation: Invocation
  ) async throws(CommandError) -> HTTPResponse {
    guard let grant = GmailGrant(request.credential) else {
      preconditionFailure("a request without its grant")
    }
    return try await invocation.send(
      request, with: try tokens.authenticator(for: grant), refusedByRate: GmailErrors.rateRefusal)
  }
}
