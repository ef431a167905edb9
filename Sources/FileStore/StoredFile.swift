import Basics
import JSON

/// The origin of a file, in the terms of the documents.
public enum FileSource: String, CaseIterable, Sendable {
  case incidentAttachmentFile = "incident_attachment_file"
  /// Created by a command.
  case playbookFile = "playbook_file"
  case artifactFile = "artifact_file"
}

/// The metadata of a stored file.
public struct StoredFile: Sendable {
  public let id: String
  /// The name as given. Not safe on disk.
  public let name: String
  /// In bytes.
  public let size: Int
  public let contentType: String
  /// Digests in lower-case hexadecimal digits.
  public let md5: String
  public let sha1: String
  public let sha256: String
  public let source: FileSource
  /// Nanoseconds since 1970. Defines the order of files.
  let createdNanoseconds: Int64
  /// The absolute path of the content.
  public let path: String

  /// Writes a reference to the file, with `path` if it is part of a command's result.
  public func write(to writer: inout JSONWriter, withPath: Bool) {
    writer.object { writer in
      writer.member("file_id", id)
      writer.member("name", name)
      writer.member("size", size)
      writer.member("content_type", contentType)
      writer.member("md5", md5)
      writer.member("sha1", sha1)
      writer.member("sha256", sha256)
      writer.member("source", source.rawValue)
      writer.member("created", WallClock.rfc3339(createdNanoseconds / 1_000_000))
      if withPath { writer.member("path", path) }
    }
  }

  /// Writes the member `files` of a command's result; nothing if there are no files.
  public static func writeMember(_ files: [StoredFile], to writer: inout JSONWriter) {
    guard !files.isEmpty else { return }
    writer.name("files")
    writer.array { for file in files { file.write(to: &$0, withPath: true) } }
  }
}
