import Basics
import FileStore
import IntegrationKit
import Mail

/// An attachment of a message, or of an attached mail.
struct AttachedFile {
  let name: String
  let part: MailPart
  /// Nil if the content is unavailable or was not stored.
  let stored: StoredFile?
}

/// How the attachments of a message itself are stored.
struct OwnAttachments {
  /// The time that is reserved for the end of the call.
  let reserveMilliseconds: Int
  /// Whether files for which there is no time are omitted: the message would have no more time in
  /// another call.
  let mayOmit: Bool
}

/// Stores the attachments of messages and of attached mails during one call.
struct AttachedFiles {
  /// Further attachments are listed without a file.
  static let maximumFilesPerMail = 100
  /// After this many files or bytes, the call stops before the next mail.
  private static let maximumFiles = 1_000
  private static let maximumBytes = 256 * 1_024 * 1_024

  private(set) var stored: [StoredFile] = []
  private(set) var notices: [String] = []
  private var bytes = 0

  var isFull: Bool { stored.count >= Self.maximumFiles || bytes >= Self.maximumBytes }

  /// Stores the attachments of one attached mail and of the mails inside it.
  ///
  /// - Parameter count: the number of files of the message so far.
  mutating func files(
    of mail: MailMessage, after count: Int, in message: String, _ contents: inout MailContents,
    _ invocation: Invocation
  ) async throws(CommandError) -> [AttachedFile] {
    var files: [AttachedFile] = []
    for part in mail.allAttachments {
      let hasRoom = count + files.count < Self.maximumFilesPerMail
      let content = hasRoom ? try await contents.bytes(of: part, in: invocation) : nil
      files.append(try await file(part, content, in: message, invocation))
    }
    return files
  }

  /// Stores the attachments of a message, with the attached mails. One that cannot be read or stored
  /// is listed without a file.
  ///
  /// - Throws: if the mailbox cannot be read, or there is no time for a file that must not be omitted.
  mutating func ownFiles(
    of mail: MailMessage, in message: String, _ contents: inout MailContents,
    _ rules: OwnAttachments, _ invocation: Invocation
  ) async throws(CommandError) -> [AttachedFile] {
    let parts = mail.attachments
    var files: [AttachedFile] = []
    for part in parts.prefix(Self.maximumFilesPerMail) {
      let hasTime = files.isEmpty || invocation.remainingMilliseconds > rules.reserveMilliseconds
      guard hasTime || rules.mayOmit else { throw .timeout("Storing files", outcome: .notApplied) }
      do throws(CommandError) {
        let content = hasTime ? try await contents.bytes(of: part, in: invocation) : nil
        files.append(try await file(part, content, in: message, invocation))
      } catch {
        // The file store refuses files that are too large.
        guard error.concernsOneMessage(ifOthersAreReadable: true) || error.kind == .validation
        else { throw error }
        let name = Self.name(of: part)
        notices.append(
          "The attachment \(name) in message \(message) was not stored as a file: \(error.message)")
        files.append(AttachedFile(name: name, part: part, stored: nil))
      }
    }
    if parts.count > files.count {
      notices.append(
        "Message \(message) has \(parts.count) attachments. The event contains the first "
          + "\(files.count).")
    }
    return files
  }

  /// - Parameter content: nil if it is unavailable.
  private mutating func file(
    _ part: MailPart, _ content: [UInt8]?, in message: String, _ invocation: Invocation
  ) async throws(CommandError) -> AttachedFile {
    let name = Self.name(of: part)
    guard let content else {
      notices.append("The attachment \(name) in message \(message) was not stored as a file.")
      return AttachedFile(name: name, part: part, stored: nil)
    }
    let file = try await invocation.store(
      content, name: name, contentType: part.mediaType.description)
    stored.append(file)
    bytes += file.size
    return AttachedFile(name: name, part: part, stored: file)
  }

  private static func name(of part: MailPart) -> String {
    if let name = part.fileName { return name }
    guard let mail = part.embedded else { return "part-\(part.id)" }
    return (mail.subject.flatMap { $0.isEmpty ? nil : $0 } ?? "message") + ".eml"
  }
}
