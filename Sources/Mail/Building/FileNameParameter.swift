import Basics

/// The parameters for a file's name: `filename` of Content-Disposition, encoded by RFC 2231 if
/// needed, and `name` of Content-Type in ASCII for readers without RFC 2231.
///
/// Never both forms in one field: some readers, for example Python, would use the plain one.
enum FileNameParameter {
  /// Maximum length of a name in bytes.
  static let maximum = 1_000
  /// Maximum length of the value on one line.
  private static let room = 60

  /// `;\r\n name="…"`, with `_` for non-ASCII characters, shortened if it is too long.
  static func fallback(_ name: String) -> String {
    ";\r\n name=\"\(isExact(name) ? quoted(name) : shortened(name))\""
  }

  /// `;\r\n filename="…"` or `;\r\n filename*=UTF-8''…`
  static func full(_ name: String) -> String {
    isExact(name) ? ";\r\n filename=\"\(quoted(name))\"" : extended("filename", name)
  }

  /// Whether the name can be written as it is. A name that looks like an encoded word would be
  /// decoded.
  private static func isExact(_ name: String) -> Bool {
    name.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } && quoted(name).utf8.count <= room
      && !name.contains("=?")
  }

  private static func quoted(_ name: String) -> String {
    var text = ""
    for scalar in name.unicodeScalars {
      switch scalar {
      case "\"", "\\":
        text += "\\"
        text.unicodeScalars.append(scalar)
      case " "..."~": text.unicodeScalars.append(scalar)
      default: text += "_"
      }
    }
    return text
  }

  /// The start of the name and its extension, without the start of an encoded word.
  private static func shortened(_ name: String) -> String {
    let plain = quoted(name).replacing("\\", with: "_").replacing("\"", with: "_")
      .replacing("=?", with: "=_")
    let dot = plain.lastIndex(of: ".") ?? plain.endIndex
    let ending = plain[dot...].prefix(16)
    return String(plain[..<dot].prefix(room - ending.count) + ending)
  }

  /// Percent-encoded, in numbered pieces if needed (RFC 2231 sections 3 and 4).
  private static func extended(_ parameter: String, _ name: String) -> String {
    var pieces: [String] = []
    var piece = "UTF-8''"
    for scalar in name.unicodeScalars {
      let encoded = PercentEncoding.encode(String(scalar))
      if piece.utf8.count + encoded.utf8.count > room {
        pieces.append(piece)
        piece = ""
      }
      piece += encoded
    }
    pieces.append(piece)
    if pieces.count == 1 { return ";\r\n \(parameter)*=\(pieces[0])" }
    return pieces.enumerated().map { ";\r\n \(parameter)*\($0)*=\($1)" }.joined()
  }
}
