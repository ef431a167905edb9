/// Where the content of a part is.
package enum MailContent: Sendable {
  /// The bytes of the mail, as they were sent.
  case encoded(ArraySlice<UInt8>, TransferEncoding)
  /// Bytes that the source has decoded.
  case decoded([UInt8])
  /// To be fetched; `size` in bytes.
  case remote(attachmentID: String, size: Int)

  static let empty = MailContent.decoded([])
}
