import Basics
import JSON
import Redaction

/// One HTTP request (RFC 9110), before it is sent.
public struct HTTPRequest: Sendable {
  public struct Method: RawRepresentable, Equatable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let get = Method(rawValue: "GET")
    public static let post = Method(rawValue: "POST")
    public static let put = Method(rawValue: "PUT")
    public static let patch = Method(rawValue: "PATCH")
    public static let delete = Method(rawValue: "DELETE")
  }

  public struct Header: Sendable {
    public var name: StaticString
    public var value: String
    /// A credential: shown as `[redacted]` wherever the request is shown.
    public var isSecret: Bool

    public init(_ name: StaticString, _ value: String, isSecret: Bool = false) {
      self.name = name
      self.value = value
      self.isSecret = isSecret
    }

    /// As a member, redacted.
    func write(to writer: inout JSONWriter) {
      writer.name(name)
      if isSecret {
        writer.string(Redactor.replacement)
      } else {
        writer.string(value)
      }
    }
  }

  public var method: Method
  /// Absolute, percent-encoded.
  public var url: String
  public var headers: [Header]
  public var body: [UInt8]?
  private var bodyIsJSON = false
  /// A sign-in exchange, whose body is a credential.
  public var isSecret = false
  /// Members of a JSON body that are credentials.
  public var secretMembers: [StaticString] = []
  /// Which credential of the connection it is sent with, where there are several: in the terms of the
  /// client that made it.
  public var credential: String?
  /// It leaves the vendor as it was, whatever its method, and may be repeated: a look, or a preparation
  /// for what a command writes.
  public var changesNothing = false
  /// Not sent again after an unclear answer, by nobody, whatever it does: who sends it asks what became
  /// of it.
  public var isTracked = false

  public init(_ method: Method, _ url: String, headers: [Header] = [], body: [UInt8]? = nil) {
    self.method = method
    self.url = url
    self.headers = headers
    // Room for what is common, at once instead of step by step.
    self.headers.reserveCapacity(4)
    self.body = body
  }

  /// A request with a JSON body.
  public init(
    _ method: Method, _ url: String, headers: [Header] = [], json: JSONFragment
  ) {
    self.init(method, url, headers: headers, body: json.bytes)
    bodyIsJSON = true
    self.headers.append(Header("Content-Type", "application/json"))
  }

  /// A request with the fields of a form as its body.
  public init(
    _ method: Method, _ url: String, headers: [Header] = [], form: FormFields
  ) {
    self.init(method, url, headers: headers, body: Array(form.encoded.utf8))
    self.headers.append(Header("Content-Type", "application/x-www-form-urlencoded"))
  }

  /// Writes `{"method","url","headers","body"}` with credentials redacted. A body that was
  /// given as JSON is written as JSON, another one as text.
  public func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("method", method.rawValue)
      writer.member("url", url)
      writer.name("headers")
      writer.object { writer in
        for position in headers.indices { headers[position].write(to: &writer) }
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

/// One HTTP response, whole.
public struct HTTPResponse: Sendable {
  public var status: Int
  /// Names in lower case.
  public var headers: [(name: String, value: String)]
  public var body: [UInt8]

  public init(status: Int, headers: [(name: String, value: String)], body: [UInt8]) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  public var isSuccess: Bool { (200..<300).contains(status) }

  /// The first header of that name, which is given in lower case.
  public func header(_ name: String) -> String? {
    headers.first { $0.name == name }?.value
  }
}
