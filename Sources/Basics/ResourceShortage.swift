import Glibc

/// Descriptors and threads that the system refuses, for libraries that do not report why they failed.
package enum ResourceShortage {
  package static func isOne(_ code: Int32) -> Bool {
    [EMFILE, ENFILE, ENOMEM, ENOBUFS, EAGAIN].contains(code)
  }

  /// The errno with which the system refuses a descriptor or a thread now; nil if it does not.
  ///
  /// - Parameter needsThread: whether the work that failed also needs a thread.
  package static func current(needsThread: Bool = false) -> Int32? {
    let descriptor = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if descriptor >= 0 {
      close(descriptor)
    } else if isOne(errno) {
      return errno
    }
    guard needsThread else { return nil }
    let code = NamedThread.start("probe") {}
    return isOne(code) ? code : nil
  }
}
