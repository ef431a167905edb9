/// The content of a part.
package enum MailContent: Sendable {
  /// Bytes of the mail, still encoded.
  case encoded(ArraySlice<UInt8>, TransferEncoding)
  /// Bytes that the source has already decoded.
  case decoded([UInt8])
  /// Must be fetched; `size` is in bytes.
  case remote(attachmentID: String, size: Int)

  static let empty = MailContent.decoded([])
}
