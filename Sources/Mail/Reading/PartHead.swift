/// The parsed header of a part.
struct PartHead {
  let headers: MailHeaders
  let mediaType: MediaType
  let boundary: String?
  let charset: String?
  let disposition: String?
  let fileName: String?
  let transferEncoding: TransferEncoding

  init(_ headers: MailHeaders, default defaultType: MediaType = .plainText) {
    self.headers = headers
    let type = headers["Content-Type"]?.parameterized
    let disposition = headers["Content-Disposition"]?.parameterized
    mediaType = type.map { MediaType($0.value) ?? .plainText } ?? defaultType
    let values = type?.values(of: ["boundary", "charset", "name"]) ?? [nil, nil, nil]
    boundary = values[0]
    charset = values[1]?.lowercased()
    self.disposition = disposition.flatMap { $0.value.isEmpty ? nil : $0.value }
    fileName = Self.nonEmpty(disposition?["filename"]) ?? Self.nonEmpty(values[2])
    transferEncoding =
      headers["Content-Transfer-Encoding"]
      .map { TransferEncoding(named: $0.parameterized.value) } ?? .identity
  }

  private static func nonEmpty(_ text: String?) -> String? {
    text.flatMap { $0.isEmpty ? nil : $0 }
  }

  func part(
    id: String, content: MailContent, parts: [MailPart] = [], preamble: ArraySlice<UInt8> = [],
    epilogue: ArraySlice<UInt8> = []
  ) -> MailPart {
    MailPart(
      id: id, headers: headers, mediaType: mediaType, fileName: fileName, disposition: disposition,
      charset: charset, content: content, preamble: preamble, epilogue: epilogue, parts: parts)
  }
}
