/// A file that goes with a mail.
public struct MailAttachment: Sendable {
  /// In any characters; folders are kept as they are.
  public var fileName: String
  public var contentType: String
  public var bytes: [UInt8]
  /// Shown inside the HTML under this id (`cid:`), without angle brackets; nil for a file to save.
  public var contentID: String?

  public init(
    fileName: String, contentType: String = "application/octet-stream", bytes: [UInt8],
    contentID: String? = nil
  ) {
    self.fileName = fileName
    self.contentType = contentType
    self.bytes = bytes
    self.contentID = contentID
  }
}
