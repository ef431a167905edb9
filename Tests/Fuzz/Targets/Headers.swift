import HTTP

@testable import HTTPServer

/// Headers and URLs, of vendors and of a browser.
enum Headers {
  static func contentDisposition(_ input: UnsafeBufferPointer<UInt8>) {
    let response = HTTPResponse(
      status: 200, headers: [("content-disposition", input.text)], body: [])
    guard let name = ContentDisposition.fileName(response) else { return }
    check(!name.isEmpty && name != "." && name != "..", "the name is a directory")
    check(!name.contains { $0 == "/" || $0 == "\\" }, "the name has folders")
    check(name.utf8.count <= input.count * 3, "the name is too long")
  }

  static func retryAfter(_ input: UnsafeBufferPointer<UInt8>) {
    for now: Int64 in [0, 1_790_000_000_000, 253_402_300_799_999] {
      guard let wait = RetryAfter(input.text, nowMilliseconds: now)?.milliseconds else { continue }
      check((0...RetryAfter.maximumMilliseconds).contains(wait), "a wait of \(wait) ms")
    }
  }

  static func urls(_ input: UnsafeBufferPointer<UInt8>) {
    let text = input.text
    if let url = try? BaseURL(text) {
      check((try? BaseURL(url.text)) == url, "\(url.text) is another URL")
      check(url.isSecure || BaseURL.isLoopback(url: url.text), "\(url.text) is not encrypted")
      check(url.isSameOrigin(url.text), "\(url.text) has another origin")
      check(!url.host.contains("@") && !url.text.contains("?"), "\(url.text)")
    }
    _ = BaseURL.of(text)
    guard let proxy = try? ProxyURL(text) else { return }
    check(!proxy.address.contains("@"), "the address has credentials")
    check((try? ProxyURL(proxy.address))?.address == proxy.address, "\(proxy.address)")
    check(!(proxy.credentials ?? "").contains { "@#/?".contains($0) }, "raw credentials")
  }

  /// The head of a request to the loopback server.
  static func request(_ input: UnsafeBufferPointer<UInt8>) {
    let lines = Array(input).split(separator: 0x0A, omittingEmptySubsequences: true)
    guard !lines.isEmpty else { return }
    guard let head = try? RequestHead(lines: lines, limits: HTTPServer.Limits()) else { return }
    check(!head.method.isEmpty, "a request without a method")
    if case .length(let count) = head.framing { check(count >= 0, "a length of \(count)") }
  }
}
