/// One entity of a mail: a leaf with content, a multipart, or an embedded mail (RFC 2045 section
/// 2.4, RFC 2046).
package struct MailPart: Sendable {
  /// Numbered as by Gmail: the root has an empty id, its parts are `0` and `1`, their parts `1.0`.
  /// The root of an embedded mail is the only child of its part: `1.0` in `1`.
  package let id: String
  package let headers: MailHeaders
  /// `text/plain` if the header does not name a type (RFC 2045 section 5.2).
  package let mediaType: MediaType
  /// The name as the sender wrote it; may contain a path. Content-Disposition has priority over
  /// Content-Type.
  package let fileName: String?
  /// `inline`, `attachment` or another value, in lower case (RFC 2183).
  package let disposition: String?
  /// In lower case; nil if there is none.
  package let charset: String?
  package let content: MailContent
  /// The text before the first part and after the last part of a multipart.
  package let preamble: ArraySlice<UInt8>
  package let epilogue: ArraySlice<UInt8>
  /// The children: the parts of a multipart, or the root of an embedded mail.
  package let parts: [MailPart]

  /// Without angle brackets, as in `cid:` URLs (RFC 2392).
  package var contentID: String? {
    headers.value("Content-ID").map { id in
      id.hasPrefix("<") && id.hasSuffix(">") ? String(id.dropFirst().dropLast()) : id
    }
  }

  /// Whether the part is shown with the text: its disposition is `inline`, or it has a Content-ID
  /// and no disposition.
  package var isInline: Bool {
    disposition == "inline" || disposition == nil && headers["Content-ID"] != nil
  }

  /// The decoded bytes; nil if they must be fetched first.
  ///
  /// For an embedded mail, exactly the bytes of that mail.
  package var bytes: [UInt8]? {
    switch content {
    case .encoded(let bytes, let encoding): encoding.decode(bytes)
    case .decoded(let bytes): bytes
    case .remote: nil
    }
  }

  /// The id to fetch the content with; nil if the content is present.
  package var attachmentID: String? {
    if case .remote(let id, _) = content { id } else { nil }
  }

  /// The decoded text; nil if it must be fetched first. Line breaks are unchanged.
  package var text: String? { bytes.map(text(of:)) }

  /// Decodes fetched bytes of this part as text.
  package func text(of bytes: [UInt8]) -> String {
    switch content {
    case .encoded: Charset.decode(bytes, named: charset)
    case .decoded, .remote: Charset.decode(converted: bytes, named: charset)
    }
  }

  /// The embedded mail of this part; nil for other parts.
  package var embedded: MailMessage? {
    guard mediaType.isMail, let root = parts.first else { return nil }
    return MailMessage(root: root, isTruncated: false)
  }
}
