import Basics
import JSON

extension MailMessage {
  /// A mail that Gmail has parsed: the `payload` of a message in format `full` (users.messages,
  /// MessagePart). Nil if it is not an object.
  ///
  /// Bodies and header values are already decoded. A text is UTF-8, although the header still names
  /// the sender's character set; see `Charset.decode(converted:named:)`. A body with an `attachmentId` must be fetched.
  package init?(gmailPayload payload: JSON, limits: MailLimits = MailLimits()) {
    guard payload.kind == .object else { return nil }
    var reader = GmailPayloadReader(limits: limits)
    let root = reader.part(payload, depth: 0)
    self.init(root: root, isTruncated: reader.isTruncated)
  }
}

private struct GmailPayloadReader {
  let limits: MailLimits
  var count = 0
  var isTruncated = false

  mutating func part(_ json: JSON, depth: Int) -> MailPart {
    count += 1
    let headers = json["headers"].map(fields) ?? MailHeaders([])
    if headers.contains(where: \.isTruncated) { isTruncated = true }
    let head = PartHead(headers)
    let fileName = json["filename"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    return MailPart(
      id: json["partId"]?.string ?? "", headers: headers,
      mediaType: json["mimeType"]?.string.flatMap(MediaType.init) ?? head.mediaType,
      fileName: fileName ?? head.fileName, disposition: head.disposition, charset: head.charset,
      content: content(json["body"]), preamble: [], epilogue: [],
      parts: parts(json["parts"], depth: depth))
  }

  private mutating func parts(_ json: JSON?, depth: Int) -> [MailPart] {
    var parts: [MailPart] = []
    guard let json else { return parts }
    for inner in json.elements where inner.kind == .object {
      guard depth < limits.nesting, count < limits.parts else {
        isTruncated = true
        break
      }
      parts.append(part(inner, depth: depth + 1))
    }
    return parts
  }

  private func fields(_ json: JSON) -> MailHeaders {
    MailHeaders(
      json.elements.compactMap { field in
        guard let name = field["name"]?.string, let value = field["value"]?.stringBytes else {
          return nil
        }
        return MailHeader(name: name, raw: value[...], isDecoded: true)
      })
  }

  private func content(_ body: JSON?) -> MailContent {
    if let id = body?["attachmentId"]?.string, !id.isEmpty {
      return .remote(attachmentID: id, size: body?["size"]?.integer.map { Int($0) } ?? 0)
    }
    return body?["data"]?.stringBytes.map { .decoded(LenientBase64.decode($0)) } ?? .empty
  }
}
