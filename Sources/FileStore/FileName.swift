/// Sanitizes names of files.
enum FileName {
  /// Maximum length of an extension that is preserved by truncation, in bytes.
  private static let extensionBytes = 32

  /// A name that is safe on disk: no separators, control characters or leading dots, and at most
  /// `maximumBytes` bytes. Truncation preserves the extension.
  static func forDisk(_ name: String, maximumBytes: Int) -> String {
    // By scalars: a slash with a combining mark is a different character, but still a slash.
    var clean = String.UnicodeScalarView()
    for scalar in name.unicodeScalars {
      if clean.isEmpty && scalar == "." { continue }
      clean.append(isAllowed(scalar) ? scalar : "_")
    }
    return clean.isEmpty ? "file" : truncated(String(clean), maximumBytes: maximumBytes)
  }

  private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
    if scalar == "/" || scalar == "\\" { return false }
    switch scalar.properties.generalCategory {
    // Format characters include those that reverse the direction of text.
    case .control, .format, .lineSeparator, .paragraphSeparator: return false
    default: return true
    }
  }

  /// The name truncated to `maximumBytes` bytes of UTF-8: its start and its extension.
  static func truncated(_ name: String, maximumBytes: Int) -> String {
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

  /// The part after the last dot, if it is short.
  static func fileExtension(of name: String) -> Substring? {
    guard let dot = name.unicodeScalars.lastIndex(of: ".") else { return nil }
    let ending = name[name.unicodeScalars.index(after: dot)...]
    return ending.isEmpty || ending.utf8.count > extensionBytes ? nil : ending
  }
}
