import Basics
import JSON

/// The numbers of a progress notification, as whole ones.
struct MCPProgress {
  /// Parts of something whose progress is given in fractions.
  private static let parts = 1_000.0

  let done: Int
  let total: Int

  /// - Returns: nil for params without usable numbers. Without a total, nothing is known to be left.
  init?(_ params: JSON?) {
    guard let progress = params?["progress"]?.double, progress.isFinite, progress >= 0 else {
      return nil
    }
    let total = params?["total"]?.double ?? progress
    guard total.isFinite, total >= 0 else { return nil }
    let isWhole = progress == progress.rounded() && total == total.rounded()
    if isWhole {
      done = Int(clamping: Int64(exactly: progress) ?? .max)
      self.total = Int(clamping: Int64(exactly: total) ?? .max)
    } else {
      let share = total > 0 ? min(1, progress / total) : 1
      done = Int(share * Self.parts)
      self.total = Int(Self.parts)
    }
  }

  /// The level of a log message (RFC 5424).
  static func logLevel(_ name: String?) -> LogLevel {
    switch name {
    case "debug": .debug
    case "info", "notice", nil: .info
    case "warning": .warning
    default: .error
    }
  }
}
