import Basics
import FileStore
import IntegrationKit
import Mail

/// An attachment of an attached mail.
struct AttachedFile {
  let name: String
  let part: MailPart
  /// Nil where its content could not be had or kept.
  let stored: StoredFile?
}

/// Keeps the attachments of attached mails, those of one call.
struct AttachedFiles {
  /// Of one mail at most; the others are told of without a file.
  static let maximumFilesOfMail = 100
  /// Files and bytes after which a call goes on to no further mail.
  private static let maximumFiles = 1_000
  private static let maximumBytes = 256 * 1_024 * 1_024

  private(set) var stored: [StoredFile] = []
  private(set) var notices: [String] = []
  private var bytes = 0

  var isFull: Bool { stored.count >= Self.maximumFiles || bytes >= Self.maximumBytes }

  /// Those of one attached mail, and of mails inside it.
  ///
  /// - Parameter count: how many the message has had before.
  mutating func files(
    of mail: MailMessage, after count: Int, in message: String, _ contents: inout MailContents,
    _ invocation: Invocation
  ) async throws(CommandError) -> [AttachedFile] {
    var files: [AttachedFile] = []
    for part in mail.allAttachments {
      let name = Self.name(of: part)
      guard count + files.count < Self.maximumFilesOfMail,
        let bytes = try await contents.bytes(of: part, in: invocation)
      else {
        notices.append("The attachment \(name) inside message \(message) is not among the files.")
        files.append(AttachedFile(name: name, part: part, stored: nil))
        continue
      }
      let file = try await invocation.store(
        bytes, name: name, contentType: part.mediaType.description)
      stored.append(file)
      self.bytes += file.size
      files.append(AttachedFile(name: name, part: part, stored: file))
    }
    return files
  }

  private static func name(of part: MailPart) -> String {
    if let name = part.fileName { return name }
    guard let mail = part.embedded else { return "part-\(part.id)" }
    return (mail.subject.flatMap { $0.isEmpty ? nil : $0 } ?? "message") + ".eml"
  }
}
