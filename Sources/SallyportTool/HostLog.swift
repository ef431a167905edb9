import Basics
import Redaction

/// The log of the process, and the secrets that it redacts.
enum HostLog {
  static let redactor = Redactor()
  /// Must be set before `log` is used; otherwise warnings and errors are logged.
  private static let level = SetOnce<LogLevel>()
  static let log = Log(level: level.value ?? .warning) { redactor.redact($0) }

  static func setLevel(_ new: LogLevel) {
    if level.value == nil { level.set(new) }
  }
}
