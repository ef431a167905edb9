import Basics

/// A parameter with a file name: for all readers in ASCII, and for those of RFC 2231 in full.
enum FileNameParameter {
  /// Bytes of a name; what is longer is no name of a file.
  static let maximum = 1_000
  /// Of the value on one line.
  private static let room = 60

  /// Lines such as `\r\n filename="a.pdf"`, each with the semicolon before it.
  static func lines(_ parameter: String, _ name: String) -> String {
    let fallback = quoted(name)
    // What looks like an encoded word would be taken for one.
    let isExact =
      name.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } && fallback.utf8.count <= room
      && !name.contains("=?")
    var lines = ";\r\n \(parameter)=\"\(fallback.utf8.count <= room ? fallback : shortened(name))\""
    if !isExact { lines += extended(parameter, name) }
    return lines
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

  /// Its start and its extension.
  private static func shortened(_ name: String) -> String {
    let plain = quoted(name).replacing("\\", with: "_").replacing("\"", with: "_")
    let ending = plain.lastIndex(of: ".").map { plain[$0...].prefix(16) } ?? ""
    return String(plain.prefix(room - ending.count) + ending)
  }

  /// Percent-encoded in pieces (RFC 2231 sections 3 and 4); one piece needs no number.
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
