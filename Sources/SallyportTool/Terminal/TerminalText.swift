import Basics

/// Text for a terminal.
///
/// Interpolated values are foreign: texts of vendors, files and arguments. Their hidden controls are
/// made visible, on one line, so that none of them can move the cursor, reverse the direction of the
/// text or forge a line. Literals and other terminal texts, such as styled ones, stay as they are.
struct TerminalText: Sendable, ExpressibleByStringInterpolation {
  private(set) var text: String

  /// - Parameter text: of this program, or made visible already.
  private init(safe text: String) { self.text = text }

  init(stringLiteral text: String) { self.text = text }

  init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }

  /// Foreign text whose lines stay.
  init(lines text: String) { self.text = text.visibleLines }

  /// Text of this program, which may contain styles.
  static func own(_ text: String) -> TerminalText { TerminalText(safe: text) }

  /// JSON. On a terminal, hidden controls in its strings are escaped, which changes no value.
  ///
  /// - Parameter isShown: whether it goes to a terminal; otherwise it stays as it is.
  init(json text: String, isShown: Bool) {
    guard isShown, text.unicodeScalars.contains(where: { $0.isHiddenControl }) else {
      self.text = text
      return
    }
    var escaped = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": escaped.append(scalar)
      // Between tokens: strings contain none.
      case "\r", "\t": escaped.append(" ")
      case _ where scalar.isHiddenControl:
        let digits = String(scalar.value, radix: 16)
        let zeros = String(repeating: "0", count: 4 - digits.count)
        escaped.append(contentsOf: "\\u\(zeros)\(digits)".unicodeScalars)
      default: escaped.append(scalar)
      }
    }
    self.text = String(escaped)
  }

  struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var text = ""

    init(literalCapacity: Int, interpolationCount: Int) { text.reserveCapacity(literalCapacity) }

    mutating func appendLiteral(_ literal: String) { text += literal }
    mutating func appendInterpolation(_ own: TerminalText) { text += own.text }
    mutating func appendInterpolation(_ foreign: some Any) {
      text += "\(foreign)".visibleOnOneLine
    }
  }

  static func + (one: TerminalText, other: TerminalText) -> TerminalText {
    TerminalText(safe: one.text + other.text)
  }
}

extension Sequence<TerminalText> {
  func joined(separator: String) -> TerminalText {
    .own(map(\.text).joined(separator: separator))
  }
}
