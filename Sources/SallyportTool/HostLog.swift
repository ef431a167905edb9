import Basics
import Redaction

/// The log of the process, and the secrets that it redacts.
enum HostLog {
  private struct Settings: Sendable {
    let level: LogLevel
    let isJSON: Bool
  }

  static let redactor = Redactor()
  /// Must be set before `log` is used; otherwise warnings and errors are logged as text.
  private static let settings = SetOnce<Settings>()
  static let log = Log(level: settings.value?.level ?? .warning, format: format) {
    redactor.redact($0)
  }

  private static var format: @Sendable (LogRecord) -> String {
    if settings.value?.isJSON == true { return { $0.json } }
    return { $0.text }
  }

  /// Only the first call has an effect.
  static func set(_ level: LogLevel, isJSON: Bool) {
    if settings.value == nil { settings.set(Settings(level: level, isJSON: isJSON)) }
  }
}
