import Basics
import JSON

/// Where a file of the store comes from, in the words of the documents.
public enum FileSource: String, CaseIterable, Sendable {
  case incidentAttachmentFile = "incident_attachment_file"
  /// What commands produce.
  case playbookFile = "playbook_file"
  case artifactFile = "artifact_file"
}

/// A file of the store, without its content.
public struct StoredFile: Sendable {
  public let id: String
  /// As it was given; not a name for a disk.
  public let name: String
  /// Bytes.
  public let size: Int
  public let contentType: String
  /// Digests in lower-case hexadecimal digits.
  public let md5: String
  public let sha1: String
  public let sha256: String
  public let source: FileSource
  /// Nanoseconds since 1970: the order of files is that of these times.
  let createdNanoseconds: Int64
  /// The absolute path of the content.
  public let path: String

  /// Writes the reference to it, with `path` where it stands in the result of a command.
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

  /// Writes the member `files` of a command's result, unless there are none.
  public static func writeMember(_ files: [StoredFile], to writer: inout JSONWriter) {
    guard !files.isEmpty else { return }
    writer.name("files")
    writer.array { for file in files { file.write(to: &$0, withPath: true) } }
  }
}
