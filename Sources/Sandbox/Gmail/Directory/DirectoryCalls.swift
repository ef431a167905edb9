import Basics
import HTTPServer
import JSON

/// The directory's calls, made by an administrator.
extension GmailCall {
  private static let defaultPage = 100
  private static let maximumPage = 500

  func user(_ key: String, _ domain: GoogleDomain) throws(GoogleAPIError) -> DirectoryUser {
    guard let user = domain.user(key) else { throw .noSuchUser }
    return user
  }

  func insertUser(_ domain: inout GoogleDomain) throws(GoogleAPIError) -> JSONFragment {
    let number = domain.nextNumber()
    let body = DirectoryUserBody(try body())
    let user = try body.newUser(id: "1158\(10_000_000_000_000_000 + number * 7_919)", now: now)
    guard domain.user(user.email) == nil else { throw .duplicate }
    domain.users.append(user)
    return user.json
  }

  func updateUser(
    _ key: String, _ domain: inout GoogleDomain
  ) throws(GoogleAPIError) -> JSONFragment {
    var user = try user(key, domain)
    try DirectoryUserBody(try body()).apply(to: &user)
    if let taken = domain.user(user.email), taken.id != user.id { throw .duplicate }
    user.version += 1
    for index in domain.users.indices where domain.users[index].id == user.id {
      domain.users[index] = user
    }
    return user.json
  }

  func deleteUser(
    _ key: String, _ domain: inout GoogleDomain
  ) throws(GoogleAPIError) -> HTTPServer.Response {
    var user = try user(key, domain)
    guard user.id != caller.id else { throw .notAuthorized }
    user.deletedSeconds = now
    domain.users.removeAll { $0.id == user.id }
    domain.deletedUsers.append(user)
    domain.mailboxes[user.id] = nil
    domain.grants.revokeAll(ofUser: user.id)
    return Self.done
  }

  // MARK: The list

  func userList(_ domain: inout GoogleDomain) throws(GoogleAPIError) -> JSONFragment {
    try checkScope()
    let size = try number("maxResults") ?? Self.defaultPage
    guard (1...Self.maximumPage).contains(size) else {
      throw .invalidInput(
        "Invalid value '\(size)'. Values must be within the range: [1, \(Self.maximumPage)]")
    }
    let query = try DirectoryUserQuery(request.query("query") ?? "")
    let showsDeleted = request.query("showDeleted")?.lowercased() == "true"
    let found = (showsDeleted ? domain.deletedUsers : domain.users).filter(query.matches)
    let sorted = try sorted(found)
    var start = 0
    if let token = request.query("pageToken"), !token.isEmpty {
      guard let last = domain.userPages.last(of: token, now: now) else {
        throw .invalidInput("Invalid Input: pageToken")
      }
      start = sorted.firstIndex { $0.id == last }.map { $0 + 1 } ?? sorted.count
    }
    let shown = sorted[start...].prefix(size)
    var next: String?
    if let last = shown.last, start + shown.count < sorted.count {
      next = domain.userPages.token(after: last.id, now: now)
    }
    return JSONFragment { writer in
      writer.object { writer in
        writer.member("kind", "admin#directory#users")
        writer.member("etag", "\"sandbox/\(sorted.reduce(0) { $0 + $1.version })\"")
        if !shown.isEmpty {
          writer.name("users")
          writer.array { writer in for user in shown { user.write(to: &writer) } }
        }
        writer.member(ifPresent: "nextPageToken", next)
      }
    }
  }

  /// Checks the scope of the list: the customer or one domain.
  private func checkScope() throws(GoogleAPIError) {
    let customer = request.query("customer") ?? ""
    let domain = request.query("domain") ?? ""
    guard customer.isEmpty != domain.isEmpty else {
      throw .error(400, "Bad Request", reason: "badRequest")
    }
    if !customer.isEmpty {
      guard customer == "my_customer" || customer.hasPrefix("C") else {
        throw .error(400, "Bad Request", reason: "badRequest")
      }
      guard customer == "my_customer" || customer == GoogleDomain.customerID else {
        throw .notAuthorized
      }
      return
    }
    guard domain.contains("."), !domain.contains("@") else {
      throw .error(400, "Bad Request", reason: "badRequest")
    }
    guard domain.lowercased() == GoogleDomain.name else { throw .notAuthorized }
  }

  private func sorted(_ users: [DirectoryUser]) throws(GoogleAPIError) -> [DirectoryUser] {
    let key: (DirectoryUser) -> String
    switch request.query("orderBy") {
    case nil, "email": key = { $0.email }
    case "familyName": key = { "\($0.familyName) \($0.email)" }
    case "givenName": key = { "\($0.givenName) \($0.email)" }
    default: throw .invalidInput("Invalid Input: orderBy")
    }
    let sorted = users.sorted { key($0).lowercased() < key($1).lowercased() }
    switch request.query("sortOrder") {
    case nil, "ASCENDING": return sorted
    case "DESCENDING": return sorted.reversed()
    default: throw .invalidInput("Invalid Input: sortOrder")
    }
  }
}
