import Basics
import HTTP
import IntegrationKit
import JSON
import Redaction

/// The params of `host/http`: a request that the host sends for a program.
struct BrokeredRequest: ParameterObject {
  static let naming = ParameterShape.Naming.verbatim
  static let shape = ParameterShape(of: BrokeredRequest.self)

  enum Method: String, ParameterChoice {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"

    var http: HTTPRequest.Method {
      switch self {
      case .get: .get
      case .head: .head
      case .post: .post
      case .put: .put
      case .patch: .patch
      case .delete: .delete
      }
    }
  }

  /// Headers that the host makes itself.
  private static let ownHeaders = [
    "accept-encoding", "connection", "content-length", "expect", "host", "keep-alive",
    "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
  ]

  let method: Method
  let url: String
  let query: JSON?
  let headers: JSON?
  let body: String?
  let json: JSON?
  let bytes: [UInt8]?
  let basic: BasicCredentials?
  /// Whether it gets a token. It is no part of what the command does.
  let isSignIn: Bool

  init(_ members: inout ParamReader) {
    _ = members.required("invocation", .anyJSON, "The id of the invoke.")
    method = members.required("method", .choice(Method.self), "The method.")
    url = members.required(
      "url", .text(maximumCharacters: 65_536), "An absolute URL, with or without a query.")
    query = members.optional("query", .jsonObject, "Query items: texts, numbers, booleans, lists.")
    headers = members.optional("headers", .jsonObject, "Header fields, as texts.")
    body = members.optional(
      "body", .blankableText(maximumCharacters: .max), "The body as text.")
    json = members.optional("json", .anyJSON, "The body as JSON.")
    bytes = members.optional("body_base64", .base64, "The body as bytes in Base64.")
    basic = members.optional(
      "basic", .object(BasicCredentials.self), "Makes the Authorization header (RFC 7617).")
    isSignIn = members.optional(
      "sign_in", .boolean, "Whether it gets a token, which a dry run leaves out.", default: false)
    if (body == nil ? 0 : 1) + (json == nil ? 0 : 1) + (bytes == nil ? 0 : 1) > 1 {
      members.refuse(
        "body", ParameterProblem("is allowed only without json and body_base64"))
    }
    let names = headers?.members.compactMap { $0.name.string?.lowercased() } ?? []
    if Set(names).count < names.count {
      members.refuse("headers", ParameterProblem("must have each header once"))
    }
    if basic != nil, names.contains("authorization") {
      members.refuse("basic", ParameterProblem("is allowed only without the header Authorization"))
    }
  }

  /// Whether it has no effect at the vendor, whatever the command has.
  var isSideEffectFree: Bool { method == .get || method == .head || isSignIn }

  /// The names of the secrets that it contains.
  var secretNames: Set<String> {
    let texts = [url, body ?? "", basic?.user ?? "", basic?.password ?? ""]
    return Set(
      texts.flatMap { SecretPlaceholder.names(in: $0) }
        + [query, headers, json].compactMap(\.self).flatMap { SecretPlaceholder.names(in: $0) })
  }

  /// Why it cannot be sent.
  struct Refusal: Error {
    let message: String
  }

  /// The request, with secrets filled in.
  ///
  /// - Parameter value: of a secret.
  func request(with value: (String) -> String) throws(Refusal) -> HTTPRequest {
    var request = HTTPRequest(
      method.http, try filledURL(value), headers: try filledHeaders(value),
      body: filledBody(value))
    request.isSideEffectFree = isSideEffectFree
    request.isSecret = isSignIn
    return request
  }

  /// The request as a dry run shows it, without secrets.
  func plan() throws(Refusal) -> JSONFragment {
    let shown = { (_: String) in Redactor.replacement }
    let url = try filledURL(shown, encoded: false)
    let headers = try filledHeaders(shown)
    return JSONFragment { writer in
      writer.object { writer in
        writer.member("method", method.rawValue)
        writer.member("url", url)
        writer.name("headers")
        writer.object { writer in
          for header in headers {
            writer.name(text: "\(header.name)")
            writer.string(header.isSecret ? Redactor.replacement : header.value)
          }
        }
        if let json {
          writer.member("body", SecretPlaceholder.replaced(json, with: shown))
        } else if let body {
          writer.member("body", SecretPlaceholder.replaced(body, with: shown))
        } else if let bytes {
          writer.member("body", Base64.encode(bytes))
        }
      }
    }
  }

  // MARK: Parts

  private func filledURL(
    _ value: (String) -> String, encoded: Bool = true
  ) throws(Refusal) -> String {
    let encode = { (text: String) in encoded ? PercentEncoding.encode(text) : text }
    let filled = SecretPlaceholder.replaced(url) { encode(value($0)) }
    var items: [String] = []
    for member in query.map({ Array($0.members) }) ?? [] {
      let name = PercentEncoding.encode(member.name.string ?? "")
      let values = member.value.kind == .array ? Array(member.value.elements) : [member.value]
      for item in values where !item.isNull {
        guard let text = Self.scalar(item) else {
          throw Refusal(message: "/query: must contain texts, numbers, booleans and lists of them")
        }
        let isPlain = !SecretPlaceholder.isContained(in: text)
        let shown = isPlain ? text : SecretPlaceholder.replaced(text, with: value)
        items.append("\(name)=\(isPlain ? PercentEncoding.encode(shown) : encode(shown))")
      }
    }
    guard !filled.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) || !encoded else {
      throw Refusal(message: "/url: must be percent-encoded")
    }
    guard !items.isEmpty else { return filled }
    let fragment = filled.split(separator: "#", maxSplits: 1).first.map(String.init) ?? filled
    return fragment + (fragment.contains("?") ? "&" : "?") + items.joined(separator: "&")
  }

  private static func scalar(_ json: JSON) -> String? {
    switch json.kind {
    case .string: json.string
    case .number, .true, .false: json.sourceText
    case .null, .array, .object: nil
    }
  }

  private func filledHeaders(
    _ value: (String) -> String
  ) throws(Refusal) -> [HTTPRequest.Header] {
    var filled: [HTTPRequest.Header] = []
    for member in headers.map({ Array($0.members) }) ?? [] {
      let text = member.name.string ?? ""
      guard let name = HTTPHeaderName(text) else {
        throw Refusal(message: "/headers: \(text.prefix(100)) is not the name of a header")
      }
      guard !Self.ownHeaders.contains(text.lowercased()) else {
        throw Refusal(message: "/headers/\(text): the host sets this header itself")
      }
      guard let template = Self.scalar(member.value) else {
        throw Refusal(message: "/headers/\(text): must be a string")
      }
      let content = SecretPlaceholder.replaced(template, with: value)
      guard !content.utf8.contains(where: { $0 == 0 || $0 == 10 || $0 == 13 }) else {
        throw Refusal(message: "/headers/\(text): must not contain a line break or NUL")
      }
      filled.append(
        HTTPRequest.Header(
          name, content,
          // Not sent on to another origin, and not shown.
          isSecret: SecretPlaceholder.isContained(in: template)
            || text.lowercased() == "authorization" || text.lowercased() == "cookie"))
    }
    if let basic {
      let user = SecretPlaceholder.replaced(basic.user, with: value)
      // RFC 7617 section 2: the rest would be part of the password.
      guard !user.contains(":") else {
        throw Refusal(message: "/basic/user: must not contain a colon")
      }
      let password = SecretPlaceholder.replaced(basic.password, with: value)
      filled.append(
        HTTPRequest.Header(
          "Authorization", "Basic \(Base64.encode(Array("\(user):\(password)".utf8)))",
          isSecret: true))
    }
    let hasType = filled.contains { "\($0.name)".lowercased() == "content-type" }
    if json != nil, !hasType {
      filled.append(HTTPRequest.Header("Content-Type", "application/json"))
    }
    return filled
  }

  private func filledBody(_ value: (String) -> String) -> [UInt8]? {
    if let bytes { return bytes }
    if let json { return SecretPlaceholder.replaced(json, with: value).bytes }
    guard let body else {
      // Some servers expect a length of requests with these methods.
      return method == .post || method == .put || method == .patch ? [] : nil
    }
    let type = mediaType
    return Array(
      SecretPlaceholder.replaced(body) { name in
        switch type {
        case "application/x-www-form-urlencoded": PercentEncoding.encode(value(name))
        case _ where type == "application/json" || type.hasSuffix("+json"):
          SecretPlaceholder.escaped(value(name))
        default: value(name)
        }
      }.utf8)
  }

  /// Of the body, in lower case and without parameters.
  private var mediaType: String {
    let type = headers?.members.first { $0.name.string?.lowercased() == "content-type" }
    let text = type?.value.string?.prefix { $0 != ";" } ?? ""
    return text.split(separator: " ").first.map { $0.lowercased() } ?? ""
  }
}

/// A user name and a password, which may be placeholders.
struct BasicCredentials: ParameterObject {
  static let naming = ParameterShape.Naming.verbatim

  let user: String
  let password: String

  init(_ members: inout ParamReader) {
    user = members.required("user", .blankableText(maximumCharacters: 4_096), "The user name.")
    password = members.required(
      "password", .blankableText(maximumCharacters: 65_536), "The password.")
  }
}
