import Testing

@testable import HTTP

@Suite struct BaseURLTests {
  struct Good: Sendable {
    let input: String
    let text: String
    let host: String
    let port: Int

    init(_ input: String, _ text: String? = nil, host: String, port: Int) {
      self.input = input
      self.text = text ?? input
      self.host = host
      self.port = port
    }
  }

  private static let good = [
    Good("https://acme.example.com", host: "acme.example.com", port: 443),
    Good(
      " HTTPS://Acme.example.com:8443/Path/ ", "https://Acme.example.com:8443/Path",
      host: "acme.example.com", port: 8_443),
    Good("https://a.example///", "https://a.example", host: "a.example", port: 443),
    Good("https://a.example/a%20b/c", host: "a.example", port: 443),
    Good("https://a.example:443", host: "a.example", port: 443),
    Good("https://a.example:65535/x:y", host: "a.example", port: 65_535),
    Good("https://192.168.0.1", host: "192.168.0.1", port: 443),
    Good("https://[2001:DB8::1]", host: "2001:db8::1", port: 443),
    Good("https://[2001:db8::1]:8443/x", host: "2001:db8::1", port: 8_443),
    Good("https://[::1]", host: "::1", port: 443),
    // This machine.
    Good("http://localhost", host: "localhost", port: 80),
    Good("http://LOCALHOST:8080/x", "http://LOCALHOST:8080/x", host: "localhost", port: 8_080),
    Good("http://127.0.0.1:8080", host: "127.0.0.1", port: 8_080),
    Good("http://127.255.0.9", host: "127.255.0.9", port: 80),
    Good("http://[::1]:9", host: "::1", port: 9),
  ]

  @Test(arguments: good)
  func `a valid root is parsed`(_ good: Good) throws {
    let url = try BaseURL(good.input)
    #expect(url.text == good.text)
    #expect(url.host == good.host)
    #expect(url.port == good.port)
    #expect(url.isSecure == good.text.hasPrefix("https"))
  }

  private static let start = "must start with https://, for example https://example.com"
  private static let characters = "must not contain spaces, control or non-ASCII characters"
  private static let port = "has an invalid port; expected 1 to 65535"
  private static let brackets = "must have an IPv6 address in brackets"
  private static let clear =
    "must start with https://; http:// sends credentials in clear text and "
    + "is allowed only for this machine"

  @Test(arguments: [
    ("", start), ("acme.example.com", start), ("/relative", start), ("https:a.example", start),
    ("https://", start),
    ("ftp://acme.example.com", "must start with https://, not ftp://"),
    (" javascript://x", "must start with https://, not javascript://"),
    ("https:///path", "has no host"), ("https://:443", "has no host"),
    ("https://[]", "has no host"),
    ("https://a b.example.com", characters), ("https://exämple.com", characters),
    ("https://a.example/\u{7F}", characters), ("https://a.example/\r\nX: y", characters),
    ("https://a.example?x=1", "must not contain a query or a fragment"),
    ("https://a.example/x#f", "must not contain a query or a fragment"),
    (
      "https://user:pw@acme.example.com",
      "must not contain a user name or password; use the settings for them"
    ),
    ("https://a:0", port), ("https://a:65536", port), ("https://a:", port), ("https://a:x", port),
    ("https://a:+80", port), ("https://a:-1", port), ("https://a:99999999999999999999", port),
    ("https://[::1", brackets), ("https://::1", brackets), ("https://2001:db8::1", brackets),
    ("https://[::1]80", brackets), ("https://[::1]x:80", brackets), ("https://a]:80", brackets),
    ("https://a[b]", brackets),
    ("http://acme.example.com", clear), ("http://128.0.0.1", clear), ("http://127.0.0.1.5", clear),
    ("http://127.0.0", clear), ("http://127.0.0.256", clear), ("http://127.0.0.+1", clear),
    ("http://127.0.0.1.evil.example", clear), ("http://localhost.example.com", clear),
    ("http://localhost\\.evil.example", clear), ("http://[::2]", clear), ("http://[::]", clear),
    ("http://0.0.0.0", clear), ("http://10.0.0.1", clear),
  ])
  func `an invalid root is rejected with a reason`(text: String, reason: String) {
    let fault = #expect(throws: BaseURL.InvalidURL.self) { try BaseURL(text) }
    #expect(fault?.reason == reason)
  }

  @Test(arguments: [
    ("https://a.example", true), ("https://a.example/x?y=https://b.example#z", true),
    ("https://A.example:443/", true), ("https://a.example?x=1", true),
    ("http://a.example/", false), ("https://a.example:444/", false), ("https://b.example/", false),
    ("https://a.example.evil.example/", false), ("https://evil.example/a.example", false),
    ("https://a.example@evil.example/", false), ("https://user@a.example/", false),
    ("https://sub.a.example/", false), ("/relative", false), ("//a.example/x", false), ("", false),
  ])
  func `an origin is scheme, host and port`(url: String, isSame: Bool) throws {
    #expect(try BaseURL("https://a.example/api").isSameOrigin(url) == isSame)
  }

  @Test(arguments: [
    ("http://127.0.0.1:1/x?y", true), ("https://localhost/", true), ("http://[::1]/", true),
    ("https://a.example/127.0.0.1", false), ("https://127.0.0.1.example/", false), ("x", false),
  ])
  func `this machine is recognized`(url: String, isLoopback: Bool) {
    #expect(BaseURL.isLoopback(url: url) == isLoopback)
  }
}

@Suite struct ProxyURLTests {
  @Test(
    arguments: [
      ("http://proxy.example:3128", nil, []), ("HTTPS://proxy.example", nil, []),
      ("socks5h://[::1]:1080", nil, []), ("socks4a://10.0.0.1:1080/", nil, []),
      ("http://user@proxy.example", "user:", []),
      ("http://user:p%40ss@proxy.example:1", "user:p%40ss", ["p%40ss", "p@ss"]),
      ("http://user:a:b@proxy.example", "user:a%3Ab", ["a:b", "a:b"]),
    ] as [(String, String?, [String])])
  func `a proxy and its credentials are parsed`(
    text: String, credentials: String?, secrets: [String]
  ) throws {
    let proxy = try ProxyURL(text)
    #expect(proxy.credentials == credentials)
    #expect(proxy.secrets == secrets)
    for shown in ["\(proxy)", proxy.address, String(reflecting: proxy)] {
      #expect(!shown.contains("user") && !shown.contains("@"))
    }
  }

  @Test(arguments: [
    "", "proxy.example:3128", "ftp://proxy.example", "http://", "http://user:secret@",
    "http://proxy.example:0", "http://user:secret@proxy.example:x", "http://::1",
    "http://user:secret@[::1", "http://a b", "http://user:secret@pröxy.example",
  ])
  func `an invalid proxy is rejected without quoting it`(text: String) {
    let fault = #expect(throws: BaseURL.InvalidURL.self) { try ProxyURL(text) }
    #expect(fault?.reason.contains("secret") == false)
  }

  @Test(arguments: ["p@ss", "p#ss", "p/ss", "p?ss", "p%ss", "p%4", "%"])
  func `a raw character in a password is rejected`(password: String) {
    let fault = #expect(throws: BaseURL.InvalidURL.self) {
      try ProxyURL("http://user:\(password)@proxy.example")
    }
    #expect(fault?.reason.contains("percent-encode") == true)
  }

  @Test func `variables are chosen as curl does`() throws {
    func chosen(_ variables: [String: String], for url: String) -> String {
      switch EnvironmentProxies({ variables[$0] }).choice(for: url) {
      case .none: "none"
      case .proxy(let proxy): "\(proxy)"
      case .invalid(let reason): reason
      }
    }
    let secure = "https://vendor.example/"
    #expect(chosen(["https_proxy": "a:1", "HTTPS_PROXY": "b:1"], for: secure) == "http://a:1")
    #expect(chosen(["HTTPS_PROXY": "b:1", "all_proxy": "c:1"], for: secure) == "http://b:1")
    #expect(chosen(["ALL_PROXY": "socks5h://c:1"], for: secure) == "socks5h://c:1")
    #expect(chosen(["https_proxy": "", "all_proxy": "c:1"], for: secure) == "none")
    #expect(chosen(["http_proxy": "a:1"], for: secure) == "none")
    #expect(chosen(["HTTP_PROXY": "a:1"], for: "http://vendor.example") == "none")
    #expect(chosen(["https_proxy": "u:Word#1@a:1"], for: secure).contains("https_proxy has one of"))
  }
}
