import Basics
import Crypto

/// Text of callers and vendors in a question to a user. It may come from an attacker, such as the
/// sender of a mail, and must not look like a part of the question.
enum ShownText {
  /// Longer values are cut.
  private static let maximumBytes = 200

  /// A name, cut at its end.
  static func name(_ text: String) -> String {
    let start = start(of: text.unicodeScalars, bytes: maximumBytes)
    return start.utf8.count < text.utf8.count ? "\(onOneLine(start))…" : onOneLine(start)
  }

  static func quotedName(_ text: String) -> String { quoted(name(text)) }

  /// A value, in quotes unless it is a plain word. Of a long value the start, the end, the length and
  /// the digest of the whole: two values that differ look different.
  static func value(_ text: String) -> String {
    let bytes = Array(text.utf8)
    guard bytes.count > maximumBytes else {
      let line = onOneLine(text)
      return isPlain(line) ? line : quoted(line)
    }
    let start = start(of: text.unicodeScalars, bytes: maximumBytes / 2)
    let end = String(
      String.UnicodeScalarView(
        self.start(of: text.unicodeScalars.reversed(), bytes: maximumBytes / 2).unicodeScalars
          .reversed()))
    let digest = (try? Digest.hex(.sha256, bytes)).map { ", SHA-256 \($0)" } ?? ""
    return "\(quoted("\(onOneLine(start)) … \(onOneLine(end))")) (\(bytes.count) bytes\(digest))"
  }

  private static func start(of scalars: some Sequence<Unicode.Scalar>, bytes: Int) -> String {
    var start = String.UnicodeScalarView()
    var count = 0
    for scalar in scalars {
      count += UTF8.width(scalar)
      guard count <= bytes else { break }
      start.append(scalar)
    }
    return String(start)
  }

  private static func isPlain(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy {
      $0.properties.isAlphabetic || ("0"..."9").contains($0)
        || "._@-+/:\\".unicodeScalars.contains($0)
    }
  }

  private static func quoted(_ text: String) -> String {
    "\"\(text.replacing("\"", with: "'"))\""
  }

  private static func onOneLine(_ text: String) -> String {
    var line = ""
    for scalar in text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate,
        .spaceSeparator:
        if line.last != " " { line += " " }
      default: line.unicodeScalars.append(scalar)
      }
    }
    return line
  }
}
