/// One entity of a mail: a leaf with content, a multipart, or a mail inside the mail
/// (RFC 2045 section 2.4, RFC 2046).
package struct MailPart: Sendable {
  /// As Gmail counts: the root is empty, its parts are `0`, `1`, theirs `1.0`. The root of a mail
  /// inside is the only part of its part: `1.0` in `1`.
  package let id: String
  package let headers: MailHeaders
  /// `text/plain` where the header does not tell (RFC 2045 section 5.2).
  package let mediaType: MediaType
  /// As the sender wrote it, which may hold a path: Content-Disposition before Content-Type.
  package let fileName: String?
  /// `inline`, `attachment` or another one, in lower case (RFC 2183).
  package let disposition: String?
  /// In lower case; nil where none is told.
  package let charset: String?
  package let content: MailContent
  /// In front of the first part and behind the last one of a multipart.
  package let preamble: ArraySlice<UInt8>
  package let epilogue: ArraySlice<UInt8>
  /// Of a multipart its parts, of a mail inside its root.
  package let parts: [MailPart]

  /// Without its angle brackets: what `cid:` URLs name (RFC 2392).
  package var contentID: String? {
    headers.value("Content-ID").map { id in
      id.hasPrefix("<") && id.hasSuffix(">") ? String(id.dropFirst().dropLast()) : id
    }
  }

  /// Meant to be shown with the text: disposed as `inline`, or named by a Content-ID and not
  /// disposed as an attachment.
  package var isInline: Bool {
    disposition == "inline" || disposition == nil && headers["Content-ID"] != nil
  }

  /// The decoded bytes; nil where they must be fetched first.
  ///
  /// Of a mail inside these are exactly the bytes of that mail.
  package var bytes: [UInt8]? {
    switch content {
    case .encoded(let bytes, let encoding): encoding.decode(bytes)
    case .decoded(let bytes): bytes
    case .remote: nil
    }
  }

  /// To fetch the content with; nil where it is here.
  package var attachmentID: String? {
    if case .remote(let id, _) = content { id } else { nil }
  }

  /// The decoded text; nil where it must be fetched first. Line breaks stay as they are.
  package var text: String? { bytes.map(text(of:)) }

  /// The text that fetched bytes of this part stand for.
  package func text(of bytes: [UInt8]) -> String { Charset.decode(bytes, named: charset) }

  /// The mail that is inside this part; nil for other parts.
  package var embedded: MailMessage? {
    guard mediaType.isMail, let root = parts.first else { return nil }
    return MailMessage(root: root, isCutShort: false)
  }
}
