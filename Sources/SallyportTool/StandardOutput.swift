import Glibc

/// The process's own output.
enum StandardOutput {
  /// Keeps the real standard output for frames and points descriptor 1 at stderr, so that a stray
  /// print, ours or a library's, cannot corrupt a frame.
  ///
  /// - Returns: a descriptor that children do not inherit.
  static func reserve() -> Int32 {
    let own = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
    guard own >= 0 else { return STDOUT_FILENO }
    dup2(STDERR_FILENO, STDOUT_FILENO)
    return own
  }
}
