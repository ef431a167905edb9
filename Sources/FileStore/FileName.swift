/// Names of files, made harmless.
enum FileName {
  /// Bytes of an extension that survives when a name is cut.
  private static let extensionBytes = 32

  /// A name for the disk: no separators, control characters or leading dots, and at most so many
  /// bytes, of which the extension keeps its own.
  static func forDisk(_ name: String, maximumBytes: Int) -> String {
    // By scalars: a slash with a combining mark is a character of its own, and still a slash.
    var clean = String.UnicodeScalarView()
    for scalar in name.unicodeScalars {
      if clean.isEmpty && scalar == "." { continue }
      clean.append(isHarmless(scalar) ? scalar : "_")
    }
    return clean.isEmpty ? "file" : cut(String(clean), maximumBytes: maximumBytes)
  }

  private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
    if scalar == "/" || scalar == "\\" { return false }
    switch scalar.properties.generalCategory {
    // Format characters include those that turn the direction of text around them.
    case .control, .format, .lineSeparator, .paragraphSeparator: return false
    default: return true
    }
  }

  /// The name in at most so many bytes of UTF-8: its start and its extension.
  static func cut(_ name: String, maximumBytes: Int) -> String {
    guard name.utf8.count > maximumBytes else { return name }
    let ending = fileExtension(of: name).map { "." + $0 } ?? ""
    var start = String.UnicodeScalarView()
    var bytes = ending.utf8.count
    for scalar in name.unicodeScalars {
      bytes += UTF8.width(scalar)
      if bytes > maximumBytes { break }
      start.append(scalar)
    }
    return String(start) + ending
  }

  /// What follows the last dot, when it is short.
  static func fileExtension(of name: String) -> Substring? {
    guard let dot = name.unicodeScalars.lastIndex(of: ".") else { return nil }
    let ending = name[name.unicodeScalars.index(after: dot)...]
    return ending.isEmpty || ending.utf8.count > extensionBytes ? nil : ending
  }
}
