/// The exit status of `serve` and `run`.
enum ExitCode: Int32, Sendable {
  case success = 0
  /// Every request has a response, and some are errors (`run` only).
  case someFailed = 1
  /// The command line or a configuration file is invalid.
  case usage = 2
  /// An accepted request was not finished before the drain timeout.
  case unfinished = 3
  /// The reader closed the output, or writing failed.
  case outputClosed = 4
}
