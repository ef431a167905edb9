import Glibc

/// Directories that only their owner can access.
package enum PrivateDirectory {
  /// Creates a directory and its missing parents, accessible to this user only.
  ///
  /// - Throws: also if the directory exists and other users can change it (see `TrustedFile`).
  package static func make(_ path: String) throws(FileError) {
    try makeAll(path)
    try TrustedFile.checkDirectory(path)
  }

  private static func makeAll(_ path: String) throws(FileError) {
    if mkdir(path, 0o700) == 0 { return }
    let code = errno
    if code == EEXIST { return }
    let parent = path.split(separator: "/").dropLast().joined(separator: "/")
    guard code == ENOENT, !parent.isEmpty else { throw FileError(path: path, code: code) }
    try makeAll((path.hasPrefix("/") ? "/" : "") + parent)
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
      throw FileError(path: path, code: errno)
    }
  }
}
