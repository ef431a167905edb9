import Basics
import HTTP
import IntegrationKit
import JSON

struct CreateUser: GmailCommand, RequestCommand {
  static let metadata = CommandMetadata(
    "Create User",
    "Creates a user in the domain. Requires an administrator with user management rights.",
    effect: .write, isAdditive: true, isSensitive: true, permissions: [Permission.users],
    readBack: "get_user_list",
    errorSamples: [ErrorSample(403, "Not Authorized to access this resource/api.")],
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
    password = parameters.required(
      "Password", .passwordOrHash,
      """
      The password: 8 to 100 ASCII characters. With hashFunction in Custom Fields, its hash, such \
      as the output of crypt(3).
      """, examples: ["Change-Me-8"])
    email = parameters.required(
      "User Email", .text(maximumCharacters: 320),
      "The email address, in a domain of the customer.",
      examples: ["mike@harbor.example"])
    customFields = parameters.optional(
      "Custom Fields", .jsonObject,
      "Additional members of the user resource of the Directory API.",
      examples: [
        JSONFragment {
          $0.literal(
            #"{"phones":[{"value":"+1 604 123 4567","type":"work"}],"changePasswordAtNextLogin":true}"#
          )
        }.json
      ])
    if customFields?["hashFunction"]?.string == nil,
      password.utf8.count > PasswordType.clearLength.upperBound
    {
      parameters.refuse(
        "Password",
        ParameterProblem(
          "must have at most \(PasswordType.clearLength.upperBound) characters; a longer hash needs "
            + "hashFunction in Custom Fields (MD5, SHA-1 or crypt)"))
    }
    func refuseMembers(
      _ names: [String], in object: JSON?, _ locate: (ParameterProblem) -> ParameterProblem
    ) {
      for name in names where object?[name] != nil {
        parameters.refuse(
          "Custom Fields",
          locate(
            ParameterProblem("is not allowed here; use the parameter of the command", at: name)))
      }
    }
    refuseMembers(Self.parameterMembers, in: customFields) { $0 }
    refuseMembers(Self.parameterNameMembers, in: customFields?["name"]) { $0.inside("name") }
  }

  var operations: [GmailOperation] { [.changeUsers] }

  /// Members that the command's parameters set.
  private static let parameterMembers = ["primaryEmail", "password"]
  private static let parameterNameMembers = ["givenName", "familyName"]

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
    Sets the password of a user. The password is redacted everywhere. Requires an administrator \
    with user management rights.
    """, effect: .write,
    isIdempotent: true, isSensitive: true, permissions: [Permission.users],
    readBack: "get_user_list",
    errorSamples: [ErrorSample(404, "Cannot find User Key.")],
    result: { GmailResults.user })

  let user: String
  let password: String

  init(_ parameters: inout ParamReader) {
    user = parameters.required(
      "User Key", .text(maximumCharacters: 320), "The email address or ID of the user.",
      from: ParameterSource.userKeys, examples: ["soc@harbor.example"])
    password = parameters.password("The new password: 8 to 100 ASCII characters.")
  }

  var operations: [GmailOperation] { [.changeUsers] }

  func request(with client: GmailClient) -> HTTPRequest {
    var request = client.directory(
      .put, user: user, body: JSONFragment { $0.object { $0.member("password", password) } })
    request.secretMembers = ["password"]
    return request
  }
}

struct DeleteUsers: GmailCommand, TargetCommand {
  static let metadata = CommandMetadata(
    "Delete Users",
    "Deletes users of the domain. Requires an administrator with user management rights.",
    effect: .destructive,
    permissions: [Permission.users], readBack: "get_user_list",
    errorSamples: [ErrorSample(403, "Not Authorized to access this resource/api.")],
    result: { .array(of: .any) })

  let users: [String]

  init(_ parameters: inout ParamReader) {
    users = parameters.required(
      "User Email Or ID", .oneOrMore(.text(maximumCharacters: 320), count: 1...1_000),
      "The email addresses or IDs of one or more users.", from: ParameterSource.userKeys,
      examples: [["otto@harbor.example"]]
    ).withoutDuplicates()
  }

  var operations: [GmailOperation] { [.changeUsers] }

  func targets(with client: GmailClient) -> [Target] {
    users.map { Target($0, client.directory(.delete, user: $0)) }
  }
}

struct GetUserList: GmailCommand {
  static let metadata = CommandMetadata(
    "Get User List", "Lists all users of a customer or domain, up to the limit if given.",
    permissions: [Permission.users], items: ItemsPath("users", isLeftOutIfEmpty: true),
    errorSamples: [ErrorSample(403, "Bad request on customer.")],
    result: { GmailResults.users })

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

  /// The maximum of the Directory API.
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
      "A domain or a customer ID. my_customer is the customer of the administrator.",
      examples: ["harbor.example"])
    type = parameters.required(
      "Type", .choice(AccountType.self), "Whether the value is a customer ID or a domain.",
      examples: [.domain])
    limit = parameters.optional(
      "Limit", .integer(from: 1, to: 1_000_000), "The maximum number of users. Default: all.",
      examples: [10])
    order = parameters.optional(
      "Order By", .choice(Order.self), "The sort key.", examples: [.email])
    filter = parameters.optional(
      "Filter", .text(maximumCharacters: 10_000),
      "Selects users, in the query language of the Directory API.", examples: ["isAdmin=false"])
    sortOrder = parameters.optional(
      "Sort Order", .choice(SortOrder.self), "The sort order.", examples: [.ascending])
  }

  var operations: [GmailOperation] { [.readUsers] }

  func plan(with client: GmailClient, add: (consuming HTTPRequest) -> Void) {
    add(request(with: client, count: limit ?? .max, token: nil))
  }

  /// Reads pages until the limit or the last page.
  func run(
    with client: GmailClient, in invocation: Invocation
  ) async throws(CommandError) -> CommandResult {
    try await client.pages(limit: limit, in: invocation) { left, token in
      request(with: client, count: left, token: token)
    }
  }

  private func request(with client: GmailClient, count: Int64, token: String?) -> HTTPRequest {
    client.directory(.get, for: .readUsers) { url in
      url.query(type == .customer ? "customer" : "domain", account)
      url.query("maxResults", min(count, Self.pageSize))
      url.query("orderBy", order?.vendorName)
      url.query("query", filter)
      url.query("sortOrder", sortOrder?.rawValue.uppercased())
      url.query("pageToken", token)
    }
  }
}
