/// A file attached to a mail.
package struct MailAttachment: Sendable {
  /// Any characters are allowed; folders are kept.
  package var fileName: String
  package var contentType: String
  package var bytes: [UInt8]
  /// For files shown inside the HTML (`cid:` URLs), without angle brackets; nil for a file to save.
  package var contentID: String?

  package init(
    fileName: String, contentType: String = "application/octet-stream", bytes: [UInt8],
    contentID: String? = nil
  ) {
    self.fileName = fileName
    self.contentType = contentType
    self.bytes = bytes
    self.contentID = contentID
  }
}
