import Basics
import HTTP
import IntegrationKit
import JSON

struct CreateUser: GmailCommand, RequestCommand {
  static let metadata = CommandMetadata(
    "Create User", "Creates a user of the domain. Needs an administrator who may manage users.",
    effect: .write, permissions: [Permission.users], readBack: "get_user_list",
    result: { GmailResults.user })

  let familyName: String
  let givenName: String
  let password: String
  let email: String
  let customFields: JSON?

  init(_ parameters: inout ParamReader) {
    familyName = parameters.required(
      "Family Name", .text(maximumCharacters: 60), "The last name.", examples: ["McDonald"])
    givenName = parameters.required(
      "Given Name", .text(maximumCharacters: 60), "The first name.", examples: ["Mike"])
    password = parameters.password("The password: 8 to 100 ASCII characters.")
    email = parameters.required(
      "User Email", .text(maximumCharacters: 320), "The address, in a domain of the customer.",
      examples: ["mike@harbor.example"])
    customFields = parameters.optional(
      "Custom Fields", .jsonObject,
      "More members of the user, as the Directory API has them; they add to the ones above.",
      examples: [
        JSONFragment {
          $0.literal(
            #"{"phones":[{"value":"+1 604 123 4567","type":"work"}],"changePasswordAtNextLogin":true}"#
          )
        }.json
      ])
    func refuseOwn(
      _ names: [String], in object: JSON?, _ place: (ParameterProblem) -> ParameterProblem
    ) {
      for name in names where object?[name] != nil {
        parameters.refuse(
          "Custom Fields", place(ParameterProblem("has a parameter of its own", at: name)))
      }
    }
    refuseOwn(Self.ownMembers, in: customFields) { $0 }
    refuseOwn(Self.ownNames, in: customFields?["name"]) { $0.inside("name") }
  }

  /// What parameters of their own say.
  private static let ownMembers = ["primaryEmail", "password"]
  private static let ownNames = ["givenName", "familyName"]

  func request(with client: GmailClient) -> HTTPRequest {
    let user = JSONFragment { writer in
      writer.object { writer in
        writer.member("primaryEmail", email)
        writer.name("name")
        writer.object {
          $0.member("givenName", givenName)
          $0.member("familyName", familyName)
          Self.write(customFields?["name"], to: &$0)
        }
        writer.member("password", password)
        Self.write(customFields, without: "name", to: &writer)
      }
    }
    var request = client.directory(.post, body: user)
    request.secretMembers = ["password"]
    return request
  }

  private static func write(
    _ object: JSON?, without written: String? = nil, to writer: inout JSONWriter
  ) {
    for member in object?.members.map({ $0 }) ?? [] {
      guard let name = member.name.string, name != written else { continue }
      writer.name(text: name)
      writer.value(member.value)
    }
  }
}

struct SetUserPassword: GmailCommand, RequestCommand {
  static let metadata = CommandMetadata(
    "Set User Password",
    """
    Sets the password of a user, which is never shown again. Needs an administrator who may manage \
    users.
    """, effect: .write,
    isIdempotent: true, permissions: [Permission.users], readBack: "get_user_list",
    result: { GmailResults.user })

  let user: String
  let password: String

  init(_ parameters: inout ParamReader) {
    user = parameters.required(
      "User Key", .text(maximumCharacters: 320), "The user, by address or id.",
      from: ParameterSource.userKeys, examples: ["soc@harbor.example"])
    password = parameters.password("The new password: 8 to 100 ASCII characters.")
  }

  func request(with client: GmailClient) -> HTTPRequest {
    var request = client.directory(
      .put, user: user, body: JSONFragment { $0.object { $0.member("password", password) } })
    request.secretMembers = ["password"]
    return request
  }
}

struct DeleteUsers: GmailCommand, TargetCommand {
  static let metadata = CommandMetadata(
    "Delete Users", "Deletes users of the domain. Needs an administrator who may manage users.",
    effect: .destructive,
    permissions: [Permission.users], readBack: "get_user_list", result: { .array(of: .any) })

  let users: [String]

  init(_ parameters: inout ParamReader) {
    users = parameters.required(
      "User Email Or ID", .oneOrMore(.text(maximumCharacters: 320), count: 1...1_000),
      "The user, or several, by address or id.", from: ParameterSource.userKeys,
      examples: [["otto@harbor.example"]]
    ).withoutDuplicates()
  }

  func targets(with client: GmailClient) -> [Target] {
    users.map { Target($0, client.directory(.delete, user: $0)) }
  }
}

struct GetUserList: GmailCommand {
  static let metadata = CommandMetadata(
    "Get User List", "Lists the users of a customer or a domain, all of them unless limited.",
    permissions: [Permission.users], items: ItemsPath("users"), result: { GmailResults.users })

  enum AccountType: String, ParameterChoice { case customer, domain }

  enum Order: String, ParameterChoice {
    case email
    case familyName = "family_name"
    case givenName = "given_name"

    var vendorName: String {
      switch self {
      case .email: "email"
      case .familyName: "familyName"
      case .givenName: "givenName"
      }
    }
  }

  enum SortOrder: String, ParameterChoice { case ascending, descending }

  /// Users on a page at most.
  private static let pageSize: Int64 = 500

  let account: String
  let type: AccountType
  let limit: Int64?
  let order: Order?
  let filter: String?
  let sortOrder: SortOrder?

  init(_ parameters: inout ParamReader) {
    account = parameters.required(
      "Customer ID or Domain Name", .text(maximumCharacters: 253),
      "A domain, or the customer's id; my_customer stands for the own one.",
      examples: ["harbor.example"])
    type = parameters.required(
      "Type", .choice(AccountType.self), "Which of the two it is.", examples: [.domain])
    limit = parameters.optional(
      "Limit", .integer(from: 1, to: 1_000_000), "Users at most. Left out, all.", examples: [10])
    order = parameters.optional(
      "Order By", .choice(Order.self), "What they are sorted by.", examples: [.email])
    filter = parameters.optional(
      "Filter", .text(maximumCharacters: 10_000),
      "Which users, in the Directory's query language.", examples: ["isAdmin=false"])
    sortOrder = parameters.optional(
      "Sort Order", .choice(SortOrder.self), "In which order.", examples: [.ascending])
  }

  func plan(with client: GmailClient) -> [HTTPRequest] {
    client.previews(request(with: client, count: limit ?? .max, token: nil))
  }

  /// Reads on from page to page until there are enough, or no more.
  func run(
    with client: GmailClient, in invocation: Invocation
  ) async throws(CommandError) -> CommandResult {
    var pages = PageCollector(invocation, items: Self.metadata.items)
    var left = limit ?? .max
    var token: String?
    repeat {
      let body = try await client.exchange(
        request(with: client, count: left, token: token), in: invocation)
      let next = body["nextPageToken"]?.string
      // The first page with users is the one that the others add to.
      if body["users"] != nil || next == nil { _ = await pages.add(body, of: nil) }
      left -= Int64(body["users"]?.count ?? 0)
      if next != nil && next == token { break }
      token = next
    } while token != nil && left > 0
    return pages.result
  }

  private func request(with client: GmailClient, count: Int64, token: String?) -> HTTPRequest {
    client.directory(.get) { url in
      url.query(type == .customer ? "customer" : "domain", account)
      url.query("maxResults", min(count, Self.pageSize))
      url.query("orderBy", order?.vendorName)
      url.query("query", filter)
      url.query("sortOrder", sortOrder?.rawValue.uppercased())
      url.query("pageToken", token)
    }
  }
}
