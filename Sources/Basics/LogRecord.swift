/// A fact of a log record beside its message.
public struct LogField: Sendable {
  public enum Value: Sendable {
    case text(String)
    case number(Int)
    case flag(Bool)
  }

  public let name: StaticString
  public let value: Value

  public init(_ name: StaticString, _ value: Value) {
    self.name = name
    self.value = value
  }

  public init(_ name: StaticString, _ text: String) { self.init(name, .text(text)) }
  public init(_ name: StaticString, _ number: Int) { self.init(name, .number(number)) }
}

/// One line of the log: without secrets and without hidden controls.
public struct LogRecord: Sendable {
  /// Maximum length of a field in Unicode scalars. The rest is truncated.
  static let fieldScalars = 512

  /// RFC 3339.
  public let time: String
  public let level: LogLevel
  public let message: String
  public let fields: [LogField]

  init(
    _ level: LogLevel, _ message: String, _ fields: [LogField],
    redact: @Sendable (String) -> String
  ) {
    time = WallClock.rfc3339(WallClock.nowMilliseconds)
    self.level = level
    self.message = Self.clean(message, scalars: Log.lineScalars, redact)
    self.fields = fields.map { field in
      guard case .text(let text) = field.value else { return field }
      return LogField(field.name, Self.clean(text, scalars: Self.fieldScalars, redact))
    }
  }

  private static func clean(
    _ text: String, scalars: Int, _ redact: @Sendable (String) -> String
  ) -> String {
    // Redact before truncating: half a secret would not be recognized.
    String(redact(text).visibleOnOneLine.unicodeScalars.prefix(scalars))
  }

  /// The line for people: `2026-12-01T12:00:00Z debug wait reason=back_off ms=230`.
  public var text: String {
    var line = "\(time) \(level.name) \(message)"
    for field in fields {
      switch field.value {
      case .text(let text): line += " \(field.name)=\(Self.quoted(text))"
      case .number(let number): line += " \(field.name)=\(number)"
      case .flag(let flag): line += " \(field.name)=\(flag)"
      }
    }
    return line
  }

  /// In quotes if it would not be one word.
  private static func quoted(_ text: String) -> String {
    let isWord = !text.isEmpty && !text.utf8.contains { $0 == 0x20 || $0 == UInt8(ascii: "\"") }
    guard !isWord else { return text }
    return "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }
}
