import Basics
import Testing

@testable import HTTP

@Suite struct BaseURLTests {
  @Test(arguments: [
    ("https://acme.example.com", "acme.example.com", 443),
    (" https://Acme.example.com:8443/path/ ", "acme.example.com", 8_443),
    ("http://127.0.0.1:8080", "127.0.0.1", 8_080), ("http://localhost", "localhost", 80),
    ("http://[::1]:9", "::1", 9), ("https://[2001:db8::1]", "2001:db8::1", 443),
  ])
  func aGoodRootIsTakenApart(text: String, host: String, port: Int) throws {
    let url = try BaseURL(text)
    #expect(url.host == host)
    #expect(url.port == port)
    #expect(!url.text.hasSuffix("/"))
  }

  @Test(arguments: [
    "acme.example.com", "ftp://acme.example.com", "http://acme.example.com",
    "http://128.0.0.1", "http://localhost.example.com", "https://user:pw@acme.example.com",
    "https://acme.example.com?x=1", "https://acme.example.com#f", "https://", "https://a:0",
    "https://a:65536", "https://a b.example.com", "https://exämple.com",
  ])
  func abadRootIsRefused(text: String) {
    #expect(throws: BaseURL.Fault.self) { try BaseURL(text) }
  }

  @Test(arguments: [
    ("https://a.example/x?y=https://b.example", true), ("https://A.example:443/", true),
    ("http://a.example/", false), ("https://a.example:444/", false), ("https://b.example/", false),
    ("/relative", false),
  ])
  func anOriginIsSchemeHostAndPort(url: String, isSame: Bool) throws {
    #expect(try BaseURL("https://a.example").isSameOrigin(url) == isSame)
  }
}

@Suite struct RequestTests {
  @Test func queryItemsAreEncodedAndMissingOnesLeftOut() {
    var url = URLBuilder(root: "https://a.example")
    url.path("/x/")
    url.path(17)
    url.query("a", "b c&d=é/")
    url.query("none", nil as String?)
    url.query("n", 5)
    url.query("yes", true)
    #expect(url.text == "https://a.example/x/17?a=b%20c%26d%3D%C3%A9%2F&n=5&yes=true")
  }

  @Test func credentialsAreNotShown() {
    var request = HTTPRequest(.post, "https://a.example", json: JSONFragment { $0.integer(1) })
    request.headers.append(HTTPRequest.Header("Authorization", "Bearer x", isSecret: true))
    let shown = JSONFragment { request.write(to: &$0) }.json
    #expect(shown["headers"]?["Authorization"]?.string == "[redacted]")
    #expect(shown["body"]?.integer == 1)
    request.isSecret = true
    #expect(JSONFragment { request.write(to: &$0) }.json["body"]?.string == "[redacted]")
  }
}
