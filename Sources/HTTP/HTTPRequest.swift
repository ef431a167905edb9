import Basics
import JSON
import Redaction

/// An HTTP request (RFC 9110).
public struct HTTPRequest: Sendable {
  public enum Method: String, Sendable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"

    /// The raw value, for a `JSONWriter`.
    fileprivate var literal: StaticString {
      switch self {
      case .get: "GET"
      case .head: "HEAD"
      case .post: "POST"
      case .put: "PUT"
      case .patch: "PATCH"
      case .delete: "DELETE"
      }
    }
  }

  public struct Header: Sendable {
    public var name: HTTPHeaderName
    public var value: String
    /// Whether the value is a credential, which is shown as `[redacted]`.
    public var isSecret: Bool

    public init(_ name: HTTPHeaderName, _ value: String, isSecret: Bool = false) {
      self.name = name
      self.value = value
      self.isSecret = isSecret
    }

    /// Writes the header as a member, redacted.
    func write(to writer: inout JSONWriter) {
      name.write(to: &writer)
      if isSecret {
        writer.string(Redactor.replacement)
      } else {
        writer.string(value)
      }
    }
  }

  public var method: Method
  /// Absolute and percent-encoded.
  public var url: String
  public var headers: [Header]
  public var body: [UInt8]?
  /// Which parts of the path are values. It belongs to `url`.
  public var pathTemplate = PathTemplate.unknown
  private var bodyIsJSON: Bool
  /// A sign-in request. Its body contains credentials.
  public var isSecret = false
  /// Members of a JSON body that contain credentials.
  public var secretMembers: [StaticString] = []
  /// Selects one of several credentials of the connection, in the terms of the client that made the
  /// request.
  public var credential: String?
  /// Whether the request has no side effects at the vendor, whatever its method, and may be
  /// repeated: a read, or a preparation of a later write.
  public var isSideEffectFree = false
  /// Whether the caller itself determines the outcome after an unclear response. If so, the request
  /// is never retried automatically.
  public var callerResolvesOutcome = false
  /// How many requests it counts as for a rate limit: more than one for a batch of calls.
  public var rateWeight = 1
  /// Whether a redirect to another origin is followed, without credentials: for a file that the vendor
  /// stores elsewhere. Only GET is.
  public var mayLeaveOrigin = false
  /// Whether the request goes to another origin than the vendor's, which gets no client certificate.
  public var isOutsideOrigin = false
  /// What receives the body of a response with a 2xx status; nil to keep it in memory.
  public var bodySink: (any BodySink)?
  /// Whether no connection that was used before is reused: one has just broken, and others may be
  /// dead too.
  package var needsNewConnection = false

  public init(_ method: Method, _ url: String, headers: [Header] = [], body: [UInt8]? = nil) {
    self.init(method, url, headers, nil, body: body)
  }

  private init(
    _ method: Method, _ url: String, _ headers: [Header], _ contentType: Header?, body: [UInt8]?,
    bodyIsJSON: Bool = false
  ) {
    self.method = method
    self.url = url
    self.body = body
    self.bodyIsJSON = bodyIsJSON
    var headers = headers
    // One allocation for the common number of headers.
    headers.reserveCapacity(4)
    if let contentType { headers.append(contentType) }
    self.headers = headers
  }

  /// The path with `{}` in place of values, for logs and traces.
  package var templatedPath: String { pathTemplate.path(of: url) }

  /// A request with a JSON body.
  public init(
    _ method: Method, _ url: String, headers: [Header] = [], json: JSONFragment
  ) {
    self.init(
      method, url, headers, Header("Content-Type", "application/json"), body: json.bytes,
      bodyIsJSON: true)
  }

  /// A request with the fields of a form as its body.
  public init(
    _ method: Method, _ url: String, headers: [Header] = [], form: FormFields
  ) {
    self.init(
      method, url, headers, Header("Content-Type", "application/x-www-form-urlencoded"),
      body: Array(form.encoded.utf8))
  }

  /// Writes `{"method","url","headers","body"}` with credentials redacted. A JSON body is written
  /// as JSON, any other body as text.
  ///
  /// - Parameter credentialHeader: a header with a credential that is sent in addition.
  public func write(to writer: inout JSONWriter, credentialHeader: StaticString? = nil) {
    writer.object { writer in
      // Names as literals, for speed.
      writer.literal(#""method":"#)
      writer.string(literal: method.literal)
      writer.literal(#""url":"#)
      writer.string(url)
      writer.literal(#""headers":"#)
      writer.object { writer in
        for position in headers.indices { headers[position].write(to: &writer) }
        if let credentialHeader {
          writer.name(credentialHeader)
          writer.string(literal: Redactor.replacementLiteral)
        }
      }
      guard let body else { return }
      writer.name("body")
      if isSecret {
        writer.string(Redactor.replacement)
      } else if bodyIsJSON && !secretMembers.isEmpty {
        writeRedacted(body, to: &writer)
      } else if bodyIsJSON {
        writer.value(JSONFragment(trusted: body))
      } else {
        writer.string(utf8: body[...])
      }
    }
  }
}

extension HTTPRequest {
  private func writeRedacted(_ body: [UInt8], to writer: inout JSONWriter) {
    writer.object { writer in
      for member in JSONFragment(trusted: body).json.members {
        writer.name(copying: member.name)
        if secretMembers.contains(where: { member.name.equals("\($0)") }) {
          writer.string(Redactor.replacement)
        } else {
          writer.value(member.value)
        }
      }
    }
  }
}

/// A complete HTTP response.
public struct HTTPResponse: Sendable {
  public var status: Int
  /// Names in lower case.
  public var headers: [(name: String, value: String)]
  /// Empty if a `BodySink` received it.
  public var body: [UInt8]
  /// How long the rate limit pauses after this response. Nil unless the vendor refused the request for
  /// its rate.
  public var rateWaitMilliseconds: Int?

  public init(status: Int, headers: [(name: String, value: String)], body: [UInt8]) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  public var isSuccess: Bool { (200..<300).contains(status) }

  /// The first header with that name. The name must be in lower case.
  public func header(_ name: String) -> String? {
    headers.first { $0.name == name }?.value
  }
}
