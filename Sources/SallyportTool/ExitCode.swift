/// How `serve` and `run` end.
enum ExitCode: Int32, Sendable {
  case success = 0
  /// All was answered, some of it with an error (`run` only).
  case someFailed = 1
  /// The command line or a configuration file is wrong.
  case usage = 2
  /// An accepted request was not finished before the drain timeout.
  case unfinished = 3
  /// The reader of the output went away, or the output cannot be written.
  case outputClosed = 4
}
