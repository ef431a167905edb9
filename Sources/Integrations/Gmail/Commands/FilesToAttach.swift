import FileStore
import IntegrationKit
import Mail

/// The stored files that a mail is sent with.
struct FilesToAttach {
  let ids: [String]
  private let source: FileSource?

  init(_ parameters: inout ParamReader) {
    ids =
      parameters.optional(
        "File IDs", .list(of: .text(maximumCharacters: 64), count: 0...500),
        "The IDs of files to attach, from files/put or from command results."
      )?.withoutDuplicates() ?? []
    source = parameters.optional(
      "File Source", .choice(FileSource.self),
      "The source of the files. Files from another source are rejected.")
  }

  /// For the placeholder of a mail, such as " with 2 files".
  var text: String {
    switch ids.count {
    case 0: ""
    case 1: " with 1 file"
    case let count: " with \(count) files"
    }
  }

  /// Reads the files after checking that all exist and fit.
  func attachments(
    atMost maximumBytes: Int, in invocation: Invocation
  ) async throws(CommandError) -> [MailAttachment] {
    let found = try await stored(in: invocation)
    if let source, let other = found.first(where: { $0.source != source }) {
      throw CommandError(
        .validation,
        "The file \(other.id) has the source \(other.source.rawValue), not \(source.rawValue).",
        remedy: "Use the source of the file, or omit file_source.")
    }
    let size = found.reduce(0) { $0 + $1.size }
    guard size <= maximumBytes else {
      throw Self.tooLarge("would have more than \(size)", atMost: maximumBytes)
    }
    var attachments: [MailAttachment] = []
    for file in found {
      attachments.append(MailAttachment(file, bytes: try await invocation.content(of: file)))
    }
    return attachments
  }

  private func stored(in invocation: Invocation) async throws(CommandError) -> [StoredFile] {
    var found: [StoredFile] = []
    var unknown: [String] = []
    for id in ids {
      if let file = try await invocation.file(id) {
        found.append(file)
      } else {
        unknown.append(id)
      }
    }
    guard unknown.isEmpty else {
      throw CommandError(
        .validation,
        unknown.count == 1
          ? "The file \(unknown[0]) is unknown."
          : "The files \(unknown.joined(separator: ", ")) are unknown.",
        remedy: "files/list returns the stored files.")
    }
    return found
  }

  static func tooLarge(_ size: String, atMost maximumBytes: Int) -> CommandError {
    CommandError(
      .validation, "The mail \(size) bytes. Gmail accepts at most \(maximumBytes).",
      remedy: "Attach smaller files. Encoding increases their size by more than a third.")
  }
}

extension MailAttachment {
  /// Removes the parameters of the media type. Invalid types become application/octet-stream.
  fileprivate init(_ file: StoredFile, bytes: [UInt8]) {
    let type = MediaType(String(file.contentType.prefix { $0 != ";" && $0 != " " }))
    let isUsable = type.map { !$0.isMultipart && $0.description.utf8.count <= 60 } ?? false
    self.init(
      fileName: file.name,
      contentType: isUsable ? type?.description ?? "" : "application/octet-stream", bytes: bytes)
  }
}
