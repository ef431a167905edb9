extension Unicode.Scalar {
  /// Whether a terminal or an editor acts on it instead of showing it: it moves the cursor, changes
  /// colours, ends a line, or reverses the direction of the text around it.
  ///
  /// The joiners of emoji and of Arabic and Indic scripts (U+200C, U+200D) are not among them.
  public var isHiddenControl: Bool {
    switch value {
    case 0x00...0x1F, 0x7F...0x9F: true
    // Marks, embeddings, overrides and isolates of the bidirectional algorithm.
    case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true
    // Line and paragraph separator.
    case 0x2028, 0x2029: true
    // Deprecated format characters, the byte order mark, annotations.
    case 0x206A...0x206F, 0xFEFF, 0xFFF9...0xFFFB: true
    default: false
    }
  }
}

extension String {
  /// The text on one line, for a log or a terminal: line breaks and tabs are spaces, other hidden
  /// controls are written out, such as `\u{1B}`.
  public var visibleOnOneLine: String { visible(keepingLineFeeds: false) }

  /// The text for a terminal: as `visibleOnOneLine`, but its lines stay.
  public var visibleLines: String { visible(keepingLineFeeds: true) }

  private func visible(keepingLineFeeds: Bool) -> String {
    // All hidden controls are outside these bytes, and most text is inside.
    guard utf8.contains(where: { !(0x20..<0x7F).contains($0) }) else { return self }
    var visible = String.UnicodeScalarView()
    var isAfterReturn = false
    for scalar in unicodeScalars {
      defer { isAfterReturn = scalar == "\r" }
      switch scalar {
      case "\n" where keepingLineFeeds:
        if isAfterReturn { visible.removeLast() }
        visible.append(scalar)
      case "\n", "\r", "\t": visible.append(" ")
      case _ where scalar.isHiddenControl:
        let digits = String(scalar.value, radix: 16, uppercase: true)
        visible.append(contentsOf: "\\u{\(digits)}".unicodeScalars)
      default: visible.append(scalar)
      }
    }
    return String(visible)
  }
}

extension String {
  /// Its first scalars. Not its first characters: one character may have any number of scalars.
  public func cut(scalars maximum: Int) -> String {
    utf8.count <= maximum ? self : String(String.UnicodeScalarView(unicodeScalars.prefix(maximum)))
  }
}
