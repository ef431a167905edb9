import Basics
import HTTPServer
import JSON

/// Uploads of mail as a request body, in one request or in chunks.
extension GmailCall {
  enum Upload {
    case response(HTTPServer.Response)
    case mail([UInt8], threadID: String?)
  }

  func upload(_ domain: inout GoogleDomain) throws(GoogleAPIError) -> Upload {
    if request.method == "PUT" { return try resume(&domain) }
    switch request.query("uploadType") ?? request.query("upload_protocol") {
    case "media", "raw":
      try checkMediaType(request.headers["Content-Type"] ?? "")
      return .mail(request.body, threadID: nil)
    case "multipart": return try multipart()
    case "resumable": return .response(try begin(&domain))
    default: throw .invalidArgument("Invalid upload request")
    }
  }

  private func checkMediaType(_ type: String) throws(GoogleAPIError) {
    guard type.lowercased().hasPrefix("message/") else {
      throw .error(
        400, "Media type '\(type)' is not supported. Valid media types: [message/*]",
        reason: "badContent")
    }
  }

  /// Two parts: the message as JSON, and the mail (multipart/related, RFC 2387).
  private func multipart() throws(GoogleAPIError) -> Upload {
    let type = request.headers["Content-Type"] ?? ""
    let whole = MIMEEntity(Array("Content-Type: \(type)\r\n\r\n".utf8)[...] + request.body)
    guard whole.type == "multipart/related", whole.parts.count == 2 else {
      throw .invalidArgument("Invalid multipart request with \(whole.parts.count) mime parts.")
    }
    try checkMediaType(whole.parts[1].type)
    guard let json = try? JSON.parse(whole.parts[0].content, limits: JSONLimits(depth: 16)),
      json.kind == .object
    else { throw Self.parseError }
    return .mail(whole.parts[1].content, threadID: json["threadId"]?.string)
  }

  // MARK: Resumable uploads

  private func begin(_ domain: inout GoogleDomain) throws(GoogleAPIError) -> HTTPServer.Response {
    if let type = request.headers["X-Upload-Content-Type"] { try checkMediaType(type) }
    let total = request.headers["X-Upload-Content-Length"].flatMap { Int($0) }
    guard total ?? 0 <= Self.maximumMailBytes else {
      throw .error(413, "Media larger than: \(Self.maximumMailBytes)", reason: "uploadTooLarge")
    }
    let body = try body(only: Self.messageMembers)
    let id = domain.uploads.open(
      GmailUploads.Session(
        userID: caller.id, threadID: body["threadId"]?.string, total: total))
    var response = HTTPServer.Response(200)
    response.headers.add(
      "Location", "\(request.origin)\(request.path)?uploadType=resumable&upload_id=\(id)")
    response.headers.add("X-GUploader-UploadID", id)
    return response
  }

  /// `Content-Range: bytes 0-262143/1000000`, or `bytes */1000000` to query the progress.
  private func resume(_ domain: inout GoogleDomain) throws(GoogleAPIError) -> Upload {
    guard let id = request.query("upload_id"), var session = domain.uploads.session(id),
      session.userID == caller.id
    else { throw .notFound }
    let range = request.headers["Content-Range"].map { ContentRange($0) } ?? .whole
    switch range {
    case .whole: session.received = request.body
    case .question(let total):
      session.total = total ?? session.total
    case .piece(let start, let total):
      session.total = total ?? session.total
      guard start == session.received.count else { return .response(progress(session)) }
      let isLast = total == start + request.body.count
      guard isLast || request.body.count % GmailUploads.pieceBytes == 0 else {
        throw .invalidArgument(
          "Invalid request. The number of bytes uploaded is required to be equal or greater than "
            + "262144, except for the final request")
      }
      session.received += request.body
      guard session.received.count <= Self.maximumMailBytes else {
        throw .error(413, "Media larger than: \(Self.maximumMailBytes)", reason: "uploadTooLarge")
      }
    case .broken: throw .invalidArgument("Failed to parse Content-Range header.")
    }
    guard range == .whole || session.received.count == session.total else {
      domain.uploads.update(id, session)
      return .response(progress(session))
    }
    domain.uploads.close(id)
    return .mail(session.received, threadID: session.threadID)
  }

  private func progress(_ session: GmailUploads.Session) -> HTTPServer.Response {
    var response = HTTPServer.Response(308)
    if !session.received.isEmpty {
      response.headers.add("Range", "bytes=0-\(session.received.count - 1)")
    }
    return response
  }
}
