import Basics
import JSON

/// The part tree of a message, in the API's format.
struct GmailPayload {
  /// Maximum size in bytes of a named text that is included in the message.
  private static let inlineFileBytes = 100
  /// Minimum size in bytes of a text that must be fetched like an attachment.
  private static let largeTextBytes = 64 * 1_024

  /// Creates an attachment id for a content.
  let attach: ([UInt8]) -> String

  /// - Parameter id: the part id: empty, `0`, `1.0` and so on.
  func write(_ part: MIMEEntity, id: String, to writer: inout JSONWriter) {
    // Outlook's container is shown as a multipart.
    let isUnwrapped = part.type == "application/ms-tnef" && !part.parts.isEmpty
    let fileName = part.fileName
    writer.object { writer in
      writer.member("partId", id)
      writer.member("mimeType", isUnwrapped ? "multipart/mixed" : part.type)
      writer.member("filename", fileName)
      Self.writeHeaders(part.headers, only: nil, to: &writer)
      writer.name("body")
      writeBody(part, fileName, to: &writer)
      guard !part.parts.isEmpty else { return }
      writer.name("parts")
      writer.array { writer in
        for (position, child) in part.parts.enumerated() {
          write(child, id: id.isEmpty ? "\(position)" : "\(id).\(position)", to: &writer)
        }
      }
    }
  }

  private func writeBody(_ part: MIMEEntity, _ fileName: String, to writer: inout JSONWriter) {
    let isText = part.type.hasPrefix("text/")
    let isLarge = part.content.count > Self.inlineFileBytes
    // The bytes of a file are those of the sender.
    let isFile = !fileName.isEmpty && (part.isAttachment || isLarge)
    let content = isText && !isFile ? MailText.converted(part) : part.content
    writer.object { writer in
      if part.type.hasPrefix("multipart/") && !part.parts.isEmpty {
        writer.member("size", 0)
        return
      }
      // An attached mail without a name is accessible only by its parts.
      let isBare = part.type == "message/rfc822" && fileName.isEmpty
      let limit = fileName.isEmpty ? Self.largeTextBytes : Self.inlineFileBytes
      let isInline = (isText && content.count <= limit) || part.type.hasPrefix("multipart/")
      if !isInline && !isBare && !content.isEmpty { writer.member("attachmentId", attach(content)) }
      writer.member("size", content.count)
      if isInline && !content.isEmpty {
        writer.member("data", Base64.encode(content, alphabet: .urlSafe))
      }
    }
  }

  /// - Parameter only: names in lower case; nil for all.
  static func writeHeaders(
    _ headers: [MIMEHeader], only: Set<String>?, to writer: inout JSONWriter
  ) {
    let shown = headers.filter { only?.contains($0.name.lowercased()) ?? true }
    guard !shown.isEmpty else { return }
    writer.name("headers")
    writer.array { writer in
      for header in shown {
        writer.object { writer in
          writer.member("name", header.name)
          writer.member("value", EncodedWord.decode(header.value))
        }
      }
    }
  }
}
