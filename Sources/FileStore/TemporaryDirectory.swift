import Basics
import Glibc

/// Directories of stores that exist only as long as their process.
enum TemporaryDirectory {
  private static let prefix = "sallyport-files-"

  private static var parent: String {
    let given = getenv("TMPDIR").map { String(cString: $0) } ?? ""
    return given.isEmpty ? "/tmp" : given
  }

  /// Creates a private, locked directory. Removes directories of killed processes first.
  static func make() throws(FileError) -> StoreDirectory {
    removeAbandoned()
    var template = Array("\(parent)/\(prefix)XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw FileError(path: parent, code: errno) }
    let path = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } }
    let directory = try StoreDirectory(path ?? parent)
    // An unlocked directory belongs to a killed process.
    _ = directory.lock()
    return directory
  }

  private static func removeAbandoned() {
    guard let stream = try? StoreDirectory(parent).names() else { return }
    for name in stream where name.hasPrefix(prefix) {
      let path = "\(parent)/\(name)"
      var status = stat()
      guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
        status.st_uid == geteuid(), StaleFiles.isOld(status.st_mtim.tv_sec),
        let directory = try? StoreDirectory(path), directory.lock()
      else { continue }
      directory.removeAll()
    }
  }
}
