/// A file that goes with a mail.
package struct MailAttachment: Sendable {
  /// In any characters; folders are kept as they are.
  package var fileName: String
  package var contentType: String
  package var bytes: [UInt8]
  /// Shown inside the HTML under this id (`cid:`), without angle brackets; nil for a file to save.
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
