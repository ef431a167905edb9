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
    let path = path { url in
      url.path("/users/")
      url.segment("a b@corp.example")
      url.path("/messages/")
      url.path(17)
    }
    #expect(path == "/api/users/{}/messages/{}")
  }

  @Test func `the query is left out`() {
    let path = path { url in
      url.path("/devices/")
      url.query("filter", "secret")
    }
    #expect(path == "/api/devices/")
  }

  @Test func `a path with many values is replaced as a whole`() {
    let path = path { url in
      for value in 1...4 {
        url.path("/x/")
        url.path(Int64(value))
      }
    }
    #expect(path == "/{}" + String(repeating: "/{}/{}", count: 4))
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
