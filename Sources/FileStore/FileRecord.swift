import Basics
import Glibc
import JSON

/// The metadata of a file on disk. A file exists if its record exists.
///
/// A file with the id `ID` consists of `ID-NAME` and `ID.json`. While they are written, their names
/// are `.ID.part` and `.ID.json.part`.
struct FileRecord {
  /// Maximum length of a name on disk in bytes.
  private static let nameBytes = 255
  /// Maximum length of a record in bytes. A file name of maximum length fits.
  private static let recordBytes = 65_536

  /// The name of the content on disk.
  let contentName: String
  let file: StoredFile

  // MARK: Names

  static func name(_ id: String) -> String { "\(id).json" }
  static func unfinishedName(_ id: String) -> String { ".\(id).json.part" }
  static func unfinishedContentName(_ id: String) -> String { ".\(id).part" }

  static func contentName(_ id: String, _ name: String) -> String {
    "\(id)-" + FileName.forDisk(name, maximumBytes: nameBytes - FileID.length - 1)
  }

  /// A parsed name on disk.
  struct Part {
    enum Kind { case record, content, unfinished }

    let id: String
    let kind: Kind

    /// Nil for names that do not belong to the store.
    init?(_ name: String) {
      let isHidden = name.hasPrefix(".")
      let id = String(
        decoding: name.utf8.dropFirst(isHidden ? 1 : 0).prefix(FileID.length), as: UTF8.self)
      guard FileID.isValid(id) else { return nil }
      self.id = id
      switch name {
      case FileRecord.name(id): kind = .record
      case FileRecord.unfinishedName(id), FileRecord.unfinishedContentName(id): kind = .unfinished
      case _ where name.hasPrefix("\(id)-"): kind = .content
      default: return nil
      }
    }
  }

  // MARK: Text

  var text: [UInt8] {
    JSONFragment { writer in
      writer.object { writer in
        writer.member("content", contentName)
        writer.name("created_ns")
        writer.integer(file.createdNanoseconds)
        writer.name("file")
        file.write(to: &writer, withPath: false)
      }
    }.bytes
  }

  /// The record of a file with complete content; nil if there is none, or if the record is invalid.
  static func read(_ id: String, in directory: StoreDirectory) throws(FileError) -> FileRecord? {
    let text: [UInt8]
    do throws(FileError) {
      text = try bytes(name(id), in: directory)
    } catch {
      if error.code == ENOENT { return nil }
      throw error
    }
    guard let json = try? JSON.parse(text), let file = json["file"],
      let content = json["content"]?.string, Part(content)?.id == id,
      Part(content)?.kind == .content, !content.utf8.contains(UInt8(ascii: "/")),
      let nanoseconds = json["created_ns"]?.integer, file["file_id"]?.equals(id) == true,
      let size = file["size"]?.integer,
      directory.status(of: content).map({ Int64($0.size) }) == size,
      let source = file["source"]?.string.flatMap(FileSource.init),
      let name = file["name"]?.string, let contentType = file["content_type"]?.string,
      let md5 = file["md5"]?.string, let sha1 = file["sha1"]?.string,
      let sha256 = file["sha256"]?.string
    else { return nil }
    return FileRecord(
      contentName: content,
      file: StoredFile(
        id: id, name: name, size: Int(size), contentType: contentType, md5: md5, sha1: sha1,
        sha256: sha256, source: source, createdNanoseconds: nanoseconds,
        path: "\(directory.path)/\(content)"))
  }

  private static func bytes(
    _ name: String, in directory: StoreDirectory
  ) throws(FileError) -> [UInt8] {
    let file = try directory.open(name)
    let size = min(directory.status(of: name)?.size ?? 0, recordBytes)
    return try [UInt8](readingUpTo: size) { buffer throws(FileError) in
      try file.read(into: buffer, at: 0)
    }
  }
}

extension [UInt8] {
  /// The bytes that `read` puts into a buffer of `count` bytes.
  init(
    readingUpTo count: Int,
    _ read: (UnsafeMutableRawBufferPointer) throws(FileError) -> Int
  ) throws(FileError) {
    var failure: FileError?
    self.init(unsafeUninitializedCapacity: count) { buffer, initialized in
      do throws(FileError) {
        initialized = try read(UnsafeMutableRawBufferPointer(buffer))
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }
}
