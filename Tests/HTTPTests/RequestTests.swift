import Basics
import HTTP
import JSON
import Testing

@Suite struct URLBuilderTests {
  @Test func `a path and query items are joined`() {
    var url = URLBuilder(root: "https://a.example/api")
    url.path("/x/")
    url.path(17)
    url.path("/y")
    #expect(url.text == "https://a.example/api/x/17/y")
    url.query("none", nil as String?)
    url.query("none", nil as Int64?)
    url.query("none", nil as Bool?)
    #expect(url.text == "https://a.example/api/x/17/y")
    url.query("a", "b c&d=é/+%#")
    url.query("n", -5)
    url.query("yes", true)
    url.query("no", false)
    url.query("empty", "")
    #expect(
      url.text
        == "https://a.example/api/x/17/y?a=b%20c%26d%3D%C3%A9%2F%2B%25%23&n=-5&yes=true&no=false&empty="
    )
  }

  @Test func `a long URL is complete`() {
    var url = URLBuilder(root: "https://a.example")
    url.query("q", String(repeating: "ä", count: 5_000))
    #expect(url.text == "https://a.example?q=" + String(repeating: "%C3%A4", count: 5_000))
  }
}

@Suite struct HTTPHeadersTests {
  private func header(_ number: Int) -> HTTPRequest.Header {
    HTTPRequest.Header("X-Number", "\(number)", isSecret: number.isMultiple(of: 2))
  }

  @Test func `any number of headers stays in order`() {
    var headers: HTTPHeaders = [header(1), header(2)]
    for number in 3...7 { headers.append(header(number)) }
    #expect(headers.map(\.value) == (1...7).map { "\($0)" })
    headers.removeAll(where: \.isSecret)
    #expect(headers.map(\.value) == ["1", "3", "5", "7"])
    headers.removeAll { _ in true }
    #expect(headers.isEmpty)
  }
}

@Suite struct HTTPRequestTests {
  private func shown(_ request: HTTPRequest) -> String {
    JSONFragment { request.write(to: &$0) }.text
  }

  @Test func `a request without a body is written`() {
    let request = HTTPRequest(
      .get, "https://a.example/x", headers: [HTTPRequest.Header("Accept", "*/*")])
    #expect(
      shown(request)
        == #"{"method":"GET","url":"https://a.example/x","headers":{"Accept":"*/*"}}"#)
  }

  @Test func `credentials are redacted`() {
    var request = HTTPRequest(
      .post, "https://a.example",
      headers: [
        HTTPRequest.Header("Authorization", "Bearer x", isSecret: true),
        HTTPRequest.Header("X-Tenant", "7"),
      ], json: JSONFragment { writer in writer.object { $0.member("a", 1) } })
    #expect(
      shown(request)
        == #"{"method":"POST","url":"https://a.example","headers":{"Authorization":"[redacted]","#
        + #""X-Tenant":"7","Content-Type":"application/json"},"body":{"a":1}}"#)
    request.isSecret = true
    #expect(shown(request).hasSuffix(#""body":"[redacted]"}"#))
  }

  @Test func `a body that is not JSON is written as text`() {
    let request = HTTPRequest(
      .put, "https://a.example", body: Array("{\"a\"".utf8) + [0xFF])
    #expect(shown(request).hasSuffix("\"body\":\"{\\\"a\\\"\u{FFFD}\"}"))
  }

  @Test func `a form has its content type, and is redacted if it is a credential`() {
    var request = HTTPRequest(
      .post, "https://a.example/token",
      form: ["grant_type": "refresh_token", "client_secret": "a b"])
    #expect(request.body == Array("grant_type=refresh_token&client_secret=a+b".utf8))
    #expect(
      shown(request)
        == #"{"method":"POST","url":"https://a.example/token","headers":{"Content-Type":"#
        + #""application/x-www-form-urlencoded"},"#
        + #""body":"grant_type=refresh_token&client_secret=a+b"}"#)
    request.isSecret = true
    #expect(shown(request).hasSuffix(#""body":"[redacted]"}"#))
  }

  @Test func `a header is found by its lower-case name, the first one counts`() {
    let response = HTTPResponse(
      status: 299, headers: [("a", "1"), ("b", "2"), ("a", "3")], body: [])
    #expect(response.header("a") == "1")
    #expect(response.header("c") == nil)
    #expect(response.isSuccess)
    #expect(
      [199, 300, 404].allSatisfy { !HTTPResponse(status: $0, headers: [], body: []).isSuccess })
  }
}
