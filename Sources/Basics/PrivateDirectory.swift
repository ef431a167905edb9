import Glibc

/// Directories that only their owner may enter.
package enum PrivateDirectory {
  /// Makes a directory and those above it that are missing, for this user alone.
  package static func make(_ path: String) throws(FileError) {
    if mkdir(path, 0o700) == 0 { return }
    let code = errno
    if code == EEXIST { return }
    let parent = path.split(separator: "/").dropLast().joined(separator: "/")
    guard code == ENOENT, !parent.isEmpty else { throw FileError(path: path, code: code) }
    try make((path.hasPrefix("/") ? "/" : "") + parent)
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
      throw FileError(path: path, code: errno)
    }
  }
}
