import HTTP
import Testing

@Suite struct PathTemplateTests {
  private func path(_ build: (inout URLBuilder) -> Void) -> String {
    var url = URLBuilder(root: "https://vendor.example/api")
    build(&url)
    var request = HTTPRequest(.get, url.text)
    request.pathTemplate = url.pathTemplate
    return request.templatedPath
  }

  @Test func `values are replaced`() {
    #expect(
      path {
        $0.path("/users/")
        $0.segment("a b@corp.example")
        $0.path("/messages/")
        $0.path(17)
      } == "/api/users/{}/messages/{}")
  }

  @Test func `the query is left out`() {
    #expect(
      path {
        $0.path("/devices/")
        $0.query("filter", "secret")
      } == "/api/devices/")
  }

  @Test func `a path with many values is replaced as a whole`() {
    #expect(
      path { url in
        for value in 1...4 {
          url.path("/x/")
          url.path(Int64(value))
        }
      } == "/{}" + String(repeating: "/{}/{}", count: 4))
  }

  @Test(arguments: [
    ("https://vendor.example/a/b?c=d", "/{}/{}"), ("https://vendor.example", "/"),
    ("https://vendor.example/", "/"), ("nonsense", "/"), ("", "/"),
    ("https://vendor.example?x=/secret", "/"), ("https://[::1]:8443/a", "/{}"),
  ])
  func `an unknown path is replaced as a whole`(url: String, path: String) {
    #expect(HTTPRequest(.get, url).templatedPath == path)
  }

  @Test func `a constant path is shown`() {
    var request = HTTPRequest(.post, "https://vendor.example/api/v1.0/jsonrpc?x=1")
    request.pathTemplate = .constant
    #expect(request.templatedPath == "/api/v1.0/jsonrpc")
  }
}
