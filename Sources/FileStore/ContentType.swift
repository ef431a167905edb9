/// Media types (RFC 9110 section 8.3.1).
package enum ContentType {
  /// The type of unknown content.
  static let unknown = "application/octet-stream"
  /// Maximum length in bytes.
  static let maximumBytes = 255

  /// Whether a text is `type/subtype`, optionally with parameters. Rejects line ends, so that a
  /// type is safe in a header.
  package static func isValid(_ text: String) -> Bool {
    guard text.utf8.count <= maximumBytes,
      text.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
    else { return false }
    let parts = text.prefix { $0 != ";" }.split(separator: "/", omittingEmptySubsequences: false)
    return parts.count == 2 && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy(isToken) }
  }

  private static func isToken(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }

  /// The type by the extension of the name.
  static func ofName(_ name: String) -> String {
    guard let ending = FileName.fileExtension(of: name) else { return unknown }
    return byExtension[ending.lowercased()] ?? unknown
  }

  /// Types that are common in incidents and mail, from the IANA registry if registered.
  private static let byExtension = [
    "7z": "application/x-7z-compressed", "bmp": "image/bmp", "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "eml": "message/rfc822", "exe": "application/vnd.microsoft.portable-executable",
    "gif": "image/gif", "gz": "application/gzip", "htm": "text/html", "html": "text/html",
    "ics": "text/calendar", "jpeg": "image/jpeg", "jpg": "image/jpeg",
    "js": "text/javascript", "json": "application/json", "jsonl": "application/jsonl",
    "log": "text/plain", "md": "text/markdown", "mp3": "audio/mpeg", "mp4": "video/mp4",
    "msg": "application/vnd.ms-outlook", "pcap": "application/vnd.tcpdump.pcap",
    "pdf": "application/pdf", "png": "image/png", "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "ps1": "text/plain", "py": "text/x-python", "rtf": "application/rtf",
    "sh": "application/x-sh", "svg": "image/svg+xml", "tar": "application/x-tar",
    "tif": "image/tiff", "tiff": "image/tiff", "tsv": "text/tab-separated-values",
    "txt": "text/plain", "webp": "image/webp", "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xml": "application/xml", "yaml": "application/yaml", "yml": "application/yaml",
    "zip": "application/zip",
  ]
}
