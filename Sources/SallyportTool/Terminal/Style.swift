import Basics
import Glibc

/// Text styles. Used only on a terminal and if NO_COLOR is not set.
enum Style {
  static let isTerminal = isatty(STDOUT_FILENO) == 1
  static let isColoured = isTerminal && getenv("NO_COLOR") == nil
  static let isErrorColoured = isatty(STDERR_FILENO) == 1 && getenv("NO_COLOR") == nil

  static func bold(_ text: TerminalText) -> TerminalText { wrap(text, "1", isColoured) }
  static func dim(_ text: TerminalText) -> TerminalText { wrap(text, "2", isColoured) }
  static func failure(_ text: TerminalText) -> TerminalText { wrap(text, "31", isErrorColoured) }

  private static func wrap(_ text: TerminalText, _ code: String, _ isOn: Bool) -> TerminalText {
    isOn ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }

  /// `12:00:00` in the local time zone, rounded up to a second.
  static func localTime(_ milliseconds: Int64) -> String {
    var seconds = time_t((milliseconds + 999) / 1_000)
    var parts = tm()
    localtime_r(&seconds, &parts)
    return [parts.tm_hour, parts.tm_min, parts.tm_sec]
      .map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
  }

  /// The width of the terminal; 100 if there is none.
  static var columns: Int { columns(of: STDOUT_FILENO) }

  static func columns(of descriptor: Int32) -> Int {
    var size = winsize()
    if ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 {
      return Int(size.ws_col)
    }
    return getenv("COLUMNS").flatMap { Int(String(cString: $0)) } ?? 100
  }
}

extension String {
  /// Wraps at spaces to the width of the terminal and indents each line.
  func wrapped(indent: Int = 0) -> String {
    let margin = String(repeating: " ", count: indent)
    var lines: [String] = []
    for word in split(separator: " ") {
      if let last = lines.last, last.count + 1 + word.count <= Style.columns {
        lines[lines.count - 1] += " \(word)"
      } else {
        lines.append(margin + word)
      }
    }
    return lines.joined(separator: "\n")
  }

  /// Wraps each paragraph to the width of the terminal. Indented and styled lines are unchanged.
  var paragraphs: String {
    var blocks: [String] = []
    var block = ""
    for line in split(separator: "\n", omittingEmptySubsequences: false) {
      if line.isEmpty || line.hasPrefix(" ") || line.hasPrefix("\u{1B}") {
        if !block.isEmpty { blocks.append(block.wrapped()) }
        block = ""
        blocks.append(String(line))
      } else {
        block += block.isEmpty ? String(line) : " \(line)"
      }
    }
    if !block.isEmpty { blocks.append(block.wrapped()) }
    return blocks.joined(separator: "\n")
  }

  func padded(_ width: Int) -> String {
    count >= width ? self : self + String(repeating: " ", count: width - count)
  }

  /// Truncates to a width in characters.
  func truncated(to width: Int) -> String {
    count <= width ? self : prefix(max(0, width - 1)) + "…"
  }
}
