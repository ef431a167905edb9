import HTTPServer

/// Many calls in one request (multipart/mixed), each with a separate response.
enum GmailBatch {
  private static let paths = ["/batch", "/batch/gmail/v1", "/batch/admin/directory_v1"]
  private static let maximumCalls = 100
  private static let boundary = "batch_sandbox_5a11e9047c0ffee0"

  static func isBatch(_ path: String) -> Bool { paths.contains(path) }

  /// Nil if the request is not a batch, or if `errorResponse` handles it.
  static func read(_ request: HTTPServer.Request) -> VendorBatch? {
    guard isBatch(request.path), request.method == "POST" else { return nil }
    let parts = parts(of: request)
    guard !parts.isEmpty, parts.count <= maximumCalls else { return nil }
    let calls = parts.map { call($0, in: request) }
    guard calls.allSatisfy({ $0 != nil }) else { return nil }
    let ids = parts.map { $0.header("Content-ID") }
    return VendorBatch(requests: calls.compactMap { $0 }) { join($0, ids) }
  }

  /// The error response for an invalid request to the batch endpoint.
  static func errorResponse(_ request: HTTPServer.Request) -> HTTPServer.Response {
    guard request.method == "POST" else { return GoogleAPIError.noSuchPage.response }
    let count = parts(of: request).count
    if count > maximumCalls {
      return GoogleAPIError.error(
        400, "Inner request count exceeds the limit. Received: \(count), Limit: \(maximumCalls)",
        reason: "badRequest"
      ).response
    }
    return GoogleAPIError.error(400, "Failed to parse batch request.", reason: "badRequest")
      .response
  }

  private static func parts(of request: HTTPServer.Request) -> [MIMEEntity] {
    let type = request.headers["Content-Type"] ?? ""
    let whole = MIMEEntity(Array("Content-Type: \(type)\r\n\r\n".utf8)[...] + request.body)
    return whole.type == "multipart/mixed" ? whole.parts : []
  }

  /// The inner request of a part. It inherits missing headers from the outer request.
  private static func call(
    _ part: MIMEEntity, in outer: HTTPServer.Request
  ) -> HTTPServer.Request? {
    guard part.type == "application/http",
      let end = part.content.firstIndex(of: UInt8(ascii: "\n"))
    else { return nil }
    let line = String(decoding: part.content[..<end], as: UTF8.self)
    let words = line.split { $0 == " " || $0.isNewline }
    guard words.count == 2 || words.count == 3, GmailRoute.handles(String(words[1])) else {
      return nil
    }
    let (fields, body) = MIMEHeader.split(part.content[(end + 1)...])
    var headers = HTTPServer.Headers()
    for field in fields { headers.add(field.name, field.value) }
    for name in ["Authorization", "Host"] where headers[name] == nil {
      if let value = outer.headers[name] { headers.add(name, value) }
    }
    let length = headers["Content-Length"].flatMap { Int($0) } ?? body.count
    var target = String(words[1])
    if !outer.queryText.isEmpty {
      target += (target.contains("?") ? "&" : "?") + outer.queryText
    }
    return HTTPServer.Request(
      method: String(words[0]), target: target, headers: headers,
      body: Array(body.prefix(max(length, 0))))
  }

  private static func join(
    _ responses: [HTTPServer.Response], _ ids: [String?]
  ) -> HTTPServer.Response {
    var body: [UInt8] = []
    for (response, id) in zip(responses, ids) {
      // Faults that break a connection break one inner call here.
      let isWhole = response.delivery == .withContentLength
      let inner =
        isWhole
        ? response : GoogleAPIError.error(503, "Backend Error", reason: "backendError").response
      var head = "--\(boundary)\r\nContent-Type: application/http\r\n"
      if let id { head += "Content-ID: \(responseID(for: id))\r\n" }
      head += "\r\nHTTP/1.1 \(inner.status) \(HTTPServer.Response.reason(inner.status))\r\n"
      for field in inner.headers.fields { head += "\(field.name): \(field.value)\r\n" }
      head += "Content-Length: \(inner.body.count)\r\n\r\n"
      body += Array(head.utf8) + inner.body + Array("\r\n".utf8)
    }
    body += Array("--\(boundary)--\r\n".utf8)
    var whole = HTTPServer.Response(
      200, headers: ["Content-Type": "multipart/mixed; boundary=\(boundary)"], body: body)
    // The calls run in parallel.
    whole.delayMilliseconds = responses.map(\.delayMilliseconds).max() ?? 0
    return whole
  }

  /// `<response-item1>` for `<item1>`.
  private static func responseID(for id: String) -> String {
    id.hasPrefix("<") ? "<response-" + id.dropFirst() : "response-" + id
  }
}
