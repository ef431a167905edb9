import Basics
import JSON

/// The options of the log, of every subcommand that has one.
enum LogOptions {
  private static let level = Option(
    "--log-level", "L", "error, warning (default), info or debug, on stderr",
    choices: LogLevel.allCases.map(\.name))
  private static let format = Option(
    "--log-format", "F", "text (default), or json: one object per line",
    choices: Format.allCases.map(\.rawValue))
  static let list = [level, format]

  private enum Format: String, CaseIterable { case text, json }

  /// Sets level and format of the log, which must not have been used.
  static func read(_ arguments: ParsedArguments) throws(UsageError) {
    let names = LogLevel.allCases.map(\.name)
    let level = try choice(Self.level, arguments, names) { name in
      LogLevel.allCases.first { $0.name == name }
    }
    let format = try choice(Self.format, arguments, Format.allCases.map(\.rawValue)) {
      Format(rawValue: $0)
    }
    HostLog.set(level ?? .warning, isJSON: format == .json)
  }

  /// The same for a command line that is parsed later. Invalid values are ignored.
  ///
  /// - Parameter level: if none is given; nil to leave that to `read`.
  static func read(from words: [String], orElse other: LogLevel? = nil) {
    let level = LogLevel.allCases.first { $0.name == value(of: Self.level, in: words) }
    let isJSON = value(of: format, in: words) == Format.json.rawValue
    guard let level = level ?? other ?? (isJSON ? .warning : nil) else { return }
    HostLog.set(level, isJSON: isJSON)
  }

  private static func value(of option: Option, in words: [String]) -> String? {
    for (position, word) in words.enumerated().reversed() {
      if word == option.name, position + 1 < words.count { return words[position + 1] }
      if word.hasPrefix(option.name + "=") { return String(word.dropFirst(option.name.count + 1)) }
    }
    return nil
  }

  private static func choice<Value>(
    _ option: Option, _ arguments: ParsedArguments, _ names: [String], _ value: (String) -> Value?
  ) throws(UsageError) -> Value? {
    guard let name = arguments[option.name] else { return nil }
    if let value = value(name) { return value }
    throw UsageError(
      "\(option.name): unknown value \"\(name)\"; expected one of: \(names.joined(separator: ", "))",
      didYouMean: Suggestion.closest(to: name, among: names))
  }
}

extension LogRecord {
  /// One JSON object.
  var json: String {
    JSONFragment { writer in
      writer.object { writer in
        writer.member("time", time)
        writer.member("level", level.name)
        writer.member("message", message)
        for field in fields {
          switch field.value {
          case .text(let text): writer.member(field.name, text)
          case .number(let number): writer.member(field.name, number)
          case .flag(let flag): writer.member(field.name, flag)
          }
        }
      }
    }.text
  }
}
