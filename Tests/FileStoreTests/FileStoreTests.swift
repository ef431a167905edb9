import Crypto
import Foundation
import Testing

@testable import FileStore

@Suite final class FileStoreTests {
  private let directory: URL

  init() throws {
    directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("file-store-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: directory) }

  private func store(maximumFileBytes: Int = 1_000) throws -> FileStore {
    try FileStore(
      directory: directory.appendingPathComponent("files").path,
      maximumFileBytes: maximumFileBytes)
  }

  private var names: [String] {
    let files = directory.appendingPathComponent("files").path
    return ((try? FileManager.default.contentsOfDirectory(atPath: files)) ?? []).sorted()
  }

  @discardableResult
  private func put(
    _ name: String, _ text: String = "hello", type: String? = nil, in store: FileStore
  ) throws -> StoredFile {
    try store.put(
      name: name, content: Array(text.utf8), contentType: type, source: .playbookFile)
  }

  @Test func `a stored file is read back, also through another store of the directory`() throws {
    let one = try store()
    let put = try put("a.txt", in: one)
    for store in [one, try self.store()] {
      let found = try #require(try store.find(put.id))
      #expect(found.name == "a.txt" && found.size == 5 && found.contentType == "text/plain")
      #expect(found.md5 == "5d41402abc4b2a76b9719d911017c592")
      #expect(found.sha1 == "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d")
      #expect(try found.sha256 == Digest.hex(.sha256, Array("hello".utf8)))
      #expect(found.source == .playbookFile && found.path == put.path)
      #expect(found.createdNanoseconds == put.createdNanoseconds)
      #expect(try Data(contentsOf: URL(fileURLWithPath: found.path)) == Data("hello".utf8))
      #expect(try store.read(put.id).bytes == Array("hello".utf8))
    }
    #expect(names.count == 2)
  }

  @Test(arguments: [
    (0, 5, "hello", true), (0, 4, "hell", false), (4, 9, "o", true), (5, 1, "", true),
    (0, .max, "hello", true), (2, 0, "", false),
  ])
  func `a chunk ends at the end of the file`(
    offset: Int, length: Int, text: String, isLast: Bool
  ) throws {
    let store = try store()
    let piece = try store.read(put("a", in: store).id, offset: offset, length: length)
    #expect(piece.bytes == Array(text.utf8) && piece.isLast == isLast && piece.offset == offset)
  }

  @Test func `an offset beyond the end is an error`() throws {
    let store = try store()
    let file = try put("a", in: store)
    let error = #expect(throws: FileStoreError.self) { try store.read(file.id, offset: 6) }
    #expect(error?.kind == .beyondEnd && error?.reason.contains("5 bytes") == true)
  }

  @Test func `files are listed in order of creation`() throws {
    let (one, other) = (try store(), try store())
    let ids = try (0..<20).map { try put("\($0)", in: $0 % 3 == 0 ? one : other).id }
    #expect(try one.list().map(\.id) == ids)
    #expect(try one.list(limit: 3).map(\.id) == Array(ids[..<3]))
  }

  @Test func `a list continues after a removed file`() throws {
    let store = try store()
    let files = try (0..<4).map { try put("\($0)", in: store) }
    let position = try #require(FilePosition(files[1].position.text))
    #expect(try store.remove(files[1].id))
    #expect(try store.list(after: position).map(\.id) == files[2...].map(\.id))
  }

  @Test(arguments: ["", "1", "1-2", "x-\(String(repeating: "a", count: 32))", "--"])
  func `an invalid position is rejected`(text: String) { #expect(FilePosition(text) == nil) }

  @Test func `a removed file is deleted from disk`() throws {
    let store = try store()
    let file = try put("a", in: store)
    #expect(try store.remove(file.id))
    #expect(try !store.remove(file.id))
    #expect(try store.find(file.id) == nil && store.list().isEmpty && names.isEmpty)
    let error = #expect(throws: FileStoreError.self) { try store.read(file.id) }
    #expect(error?.kind == .unknownFile)
  }

  @Test(arguments: [
    "", "..", "../a", "/etc/passwd", String(repeating: "A", count: 32),
    String(repeating: "0", count: 31), String(repeating: "0", count: 33),
    String(repeating: "é", count: 16), "../" + String(repeating: "0", count: 29),
  ])
  func `an invalid id names no file`(id: String) throws {
    let store = try store()
    try put("a", in: store)
    #expect(try store.find(id) == nil && !store.remove(id) && store.list().count == 1)
  }

  @Test func `a content above the limit is rejected and leaves no file`() throws {
    let store = try store(maximumFileBytes: 4)
    #expect(try put("a", "1234", in: store).size == 4)
    let long = directory.appendingPathComponent("long")
    let root = try ReadableDirectory(directory.path)
    try Data("12345".utf8).write(to: long)
    for put in [
      { _ = try self.put("b", "12345", in: store) },
      {
        _ = try store.put(
          contentsOf: long.path, below: [root], contentType: nil, source: .artifactFile)
      },
    ] {
      let error = #expect(throws: FileStoreError.self) { try put() }
      #expect(error?.kind == .tooLarge)
    }
    #expect(names.count == 2)
  }

  @Test func `a cancelled copy leaves no file`() throws {
    let original = directory.appendingPathComponent("original")
    let root = try ReadableDirectory(directory.path)
    try Data(count: 1_000_000).write(to: original)
    let store = try store(maximumFileBytes: 2_000_000)
    var questions = 0
    let error = #expect(throws: FileStoreError.self) {
      try store.put(
        contentsOf: original.path, below: [root], contentType: nil, source: .artifactFile
      ) {
        questions += 1
        return questions == 3
      }
    }
    #expect(error?.kind == .cancelled && questions == 3 && names.isEmpty)
  }

  @Test func `only a regular file can be copied`() throws {
    let store = try store()
    let pipe = directory.appendingPathComponent("pipe").path
    #expect(mkfifo(pipe, 0o600) == 0)
    for path in [directory.path, pipe, "/dev/zero", directory.path + "/nowhere", ""] {
      let error = #expect(throws: FileStoreError.self) {
        try store.put(
          contentsOf: path, below: [ReadableDirectory("/")], contentType: nil,
          source: .artifactFile)
      }
      #expect(error?.kind == .unreadable)
    }
  }

  // MARK: Foreign files in the directory

  @Test func `a symbolic link instead of a content or a record is not followed`() throws {
    let store = try store()
    let (one, other) = (try put("a", in: store), try put("b", in: store))
    let manager = FileManager.default
    try manager.removeItem(atPath: one.path)
    try manager.createSymbolicLink(atPath: one.path, withDestinationPath: other.path)
    let record = directory.appendingPathComponent("files/\(other.id).json")
    let moved = directory.appendingPathComponent("moved.json")
    try manager.moveItem(at: record, to: moved)
    try manager.createSymbolicLink(at: record, withDestinationURL: moved)
    #expect(try store.list().isEmpty)
    #expect(try store.find(one.id) == nil && store.find(other.id) == nil)
  }

  @Test(arguments: [
    #"{"content":"../../../etc/passwd""#, #"{"content":"ID-../x""#, #"{"content":"ID.json""#, "",
    "[]", "\0",
  ])
  func `a record with a foreign path is ignored`(start: String) throws {
    let store = try store()
    let file = try put("a", in: store)
    let record = directory.appendingPathComponent("files/\(file.id).json")
    let text = try String(contentsOf: record, encoding: .utf8)
    let comma = try #require(text.firstIndex(of: ","))
    let other = start.isEmpty ? "" : start.replacing("ID", with: file.id) + text[comma...]
    try Data(other.utf8).write(to: record)
    #expect(try store.find(file.id) == nil)
  }

  @Test func `files of a crashed process are never listed, and removed when stale`() throws {
    let store = try store()
    let file = try put("a", in: store)
    let id = String(repeating: "0", count: 32)
    let files = directory.appendingPathComponent("files")
    let mine = [".\(id).part", ".\(id).json.part", "\(id)-a.txt"]
    let foreign = ["notes.txt", "\(id)", ".hidden.part", "\(id)x-a"]
    func touch(_ names: [String], secondsAgo: Double) throws {
      for name in names {
        let path = files.appendingPathComponent(name).path
        _ = FileManager.default.createFile(atPath: path, contents: Data("x".utf8))
        try FileManager.default.setAttributes(
          [.modificationDate: Date(timeIntervalSinceNow: -secondsAgo)], ofItemAtPath: path)
      }
    }
    try touch(mine, secondsAgo: 60)
    #expect(try self.store().list().map(\.id) == [file.id])
    #expect(Set(names).isSuperset(of: mine))
    try touch(mine + foreign + ["\(file.id).json"], secondsAgo: 3_700)
    try touch([String(file.path.split(separator: "/").last!)], secondsAgo: 3_700)
    _ = try self.store().list()
    #expect(Set(names).isDisjoint(with: mine) && Set(names).isSuperset(of: foreign))
    #expect(names.count == foreign.count + 2)
  }

  @Test func `an existing directory keeps its mode`() throws {
    let files = directory.appendingPathComponent("files").path
    func mode() throws -> Int? {
      try FileManager.default.attributesOfItem(atPath: files)[.posixPermissions] as? Int
    }
    #expect(try !store().isListableByOthers)
    #expect(try mode() == 0o700)
    chmod(files, 0o755)
    #expect(try store().isListableByOthers)
    #expect(try mode() == 0o755)
  }

  @Test func `a temporary directory is created on demand and removed on close`() throws {
    let store = try FileStore()
    #expect(try store.list().isEmpty)
    let folder = URL(fileURLWithPath: try put("a", in: store).path).deletingLastPathComponent()
    #expect(FileManager.default.fileExists(atPath: folder.path))
    store.close()
    #expect(!FileManager.default.fileExists(atPath: folder.path))
    let error = #expect(throws: FileStoreError.self) { try put("b", in: store) }
    #expect(error?.kind == .unavailable)
  }
}

@Suite struct FileNameTests {
  @Test(arguments: [
    ("a.txt", "a.txt"), ("", "file"), ("..", "file"), (".", "file"), ("...a", "a"),
    ("../../etc/passwd", "_.._etc_passwd"), ("a/b\\c", "a_b_c"), ("a\0b\nc\u{7F}", "a_b_c_"),
    (".bashrc", "bashrc"), ("a\u{202E}fdp.exe", "a_fdp.exe"), ("/\u{308}", "_\u{308}"),
    ("Bericht März.pdf", "Bericht März.pdf"), ("\u{85}\u{2028}", "__"),
  ])
  func `a name is sanitized`(given: String, onDisk: String) {
    #expect(FileName.forDisk(given, maximumBytes: 200) == onDisk)
  }

  @Test(arguments: [
    (String(repeating: "a", count: 300) + ".pdf", String(repeating: "a", count: 196) + ".pdf"),
    (String(repeating: "é", count: 300) + ".pdf", String(repeating: "é", count: 98) + ".pdf"),
    (String(repeating: "é", count: 300) + ".pd", String(repeating: "é", count: 98) + ".pd"),
    (String(repeating: "a", count: 300), String(repeating: "a", count: 200)),
    ("a." + String(repeating: "b", count: 300), "a." + String(repeating: "b", count: 198)),
  ])
  func `a long name is truncated before its extension`(given: String, onDisk: String) {
    #expect(FileName.forDisk(given, maximumBytes: 200) == onDisk)
  }
}

@Suite struct ContentTypeTests {
  @Test(arguments: [
    ("a.pdf", "application/pdf"), ("A.PDF", "application/pdf"), ("a.tar.gz", "application/gzip"),
    ("pdf", "application/octet-stream"), ("a.", "application/octet-stream"),
    ("a.xyz", "application/octet-stream"), ("mail.eml", "message/rfc822"),
  ])
  func `the extension determines the type`(name: String, type: String) {
    #expect(ContentType.ofName(name) == type)
  }

  @Test(arguments: [
    ("text/plain", true), ("text/plain; charset=utf-8", true), ("image/svg+xml", true),
    ("text", false), ("text/", false), ("/plain", false), ("a/b/c", false), ("", false),
    ("text/plain\r\nX: y", false), ("te xt/plain", false), ("text/plaín", false),
  ])
  func `a type must be two tokens`(text: String, isValid: Bool) {
    #expect(ContentType.isValid(text) == isValid)
  }
}
