import Glibc

/// The three descriptors that every process is started with, or should be.
enum StandardStreams {
  /// Fills those that are closed. The next file that the process opens would get their numbers:
  /// frames then went into the audit file, and the input was waited for in a pipe of our own.
  ///
  /// Reading finds the end, writing to stdout fails as it does when its reader has gone, and what
  /// goes to stderr is dropped.
  static func fillClosed() {
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO]
    where fcntl(descriptor, F_GETFD) < 0 {
      // The lowest free number is given out, and lower ones are taken by now.
      _ = open("/dev/null", descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY)
    }
  }
}
