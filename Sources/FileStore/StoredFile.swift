import Basics
import JSON

/// Where a file of the store comes from, in the words of the documents.
package enum FileSource: String, CaseIterable, Sendable {
  case incidentAttachmentFile = "incident_attachment_file"
  /// What commands produce.
  case playbookFile = "playbook_file"
  case artifactFile = "artifact_file"
}

/// A file of the store, without its content.
package struct StoredFile: Sendable {
  package let id: String
  /// As it was given; not a name for a disk.
  package let name: String
  /// Bytes.
  package let size: Int
  package let contentType: String
  /// Digests in lower-case hexadecimal digits.
  package let md5: String
  package let sha1: String
  package let sha256: String
  package let source: FileSource
  /// Nanoseconds since 1970: the order of files is that of these times.
  let createdNanoseconds: Int64
  /// The absolute path of the content.
  package let path: String

  /// Writes the reference to it, with `path` where it stands in the result of a command.
  package func write(to writer: inout JSONWriter, withPath: Bool) {
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
  package static func writeMember(_ files: [StoredFile], to writer: inout JSONWriter) {
    guard !files.isEmpty else { return }
    writer.name("files")
    writer.array { for file in files { file.write(to: &$0, withPath: true) } }
  }
}
