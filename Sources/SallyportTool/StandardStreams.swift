import Glibc

/// The standard descriptors 0, 1 and 2.
enum StandardStreams {
  /// Opens /dev/null for closed standard descriptors. Otherwise the next opened file would get
  /// their numbers: responses went to the audit file, and the host read its input from an internal
  /// pipe.
  ///
  /// Reading stdin then returns EOF, writing to stdout fails as for a closed pipe, and output to
  /// stderr is discarded.
  static func fillClosed() {
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO]
    where fcntl(descriptor, F_GETFD) < 0 {
      // open returns the lowest free descriptor, and lower ones are open by now.
      _ = open("/dev/null", descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY)
    }
  }
}
