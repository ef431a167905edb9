import Basics
import Glibc

/// Directories of stores that exist only as long as their process.
///
/// A process holds a lock on its directory, so an unlocked directory belongs to a process that was
/// killed. Locks do not depend on process ids, which the system reuses.
enum TemporaryDirectory {
  private static let prefix = "sallyport-files-"
  private static let maximumAttempts = 100

  private static var parent: String {
    let given = getenv("TMPDIR").map { String(cString: $0) } ?? ""
    return given.isEmpty ? "/tmp" : given
  }

  /// Creates a private, locked directory.
  static func make() throws(FileError) -> StoreDirectory {
    for _ in 0..<maximumAttempts {
      var template = Array("\(parent)/\(prefix)XXXXXX".utf8CString)
      guard mkdtemp(&template) != nil else { throw FileError(path: parent, code: errno) }
      let path = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } }
      guard let directory = try opened(path ?? parent) else { continue }
      // Another host may take it for abandoned until it is locked.
      if directory.lock() != EWOULDBLOCK, directory.exists { return directory }
    }
    throw FileError(path: parent, code: EAGAIN)
  }

  private static func opened(_ path: String) throws(FileError) -> StoreDirectory? {
    do throws(FileError) {
      return try StoreDirectory(path)
    } catch {
      if error.code == ENOENT { return nil }
      throw error
    }
  }

  /// Removes the directories of killed processes.
  static func removeAbandoned() {
    let descriptor = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    for name in (try? StoreDirectory.names(in: descriptor, parent)) ?? []
    where name.hasPrefix(prefix) {
      guard
        let directory = StoreDirectory(name, in: descriptor, path: "\(parent)/\(name)"),
        directory.lock() == 0
      else { continue }
      directory.removeAll()
    }
  }
}
