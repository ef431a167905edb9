import Glibc

/// The standard output of the process.
enum StandardOutput {
  /// Reserves the real standard output for frames and redirects descriptor 1 to stderr, so that a
  /// print by this code or a library cannot corrupt a frame.
  ///
  /// - Returns: a descriptor that children do not inherit.
  static func reserve() -> Int32 {
    let own = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
    guard own >= 0 else { return STDOUT_FILENO }
    dup2(STDERR_FILENO, STDOUT_FILENO)
    return own
  }
}
