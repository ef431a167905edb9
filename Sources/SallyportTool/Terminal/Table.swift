import Basics

/// A table that fits the terminal.
struct Table {
  private static let gap = 2
  /// A column is truncated to this width before later columns are hidden.
  private static let maximumColumnWidth = 40

  let titles: [String]
  var rows: [[String]] = []

  init(_ titles: [String]) { self.titles = titles }

  /// - Returns: the lines and the number of hidden columns.
  func lines(width: Int) -> (text: [TerminalText], hiddenColumns: Int) {
    let titles = titles.map(\.visibleOnOneLine)
    let rows = rows.map { $0.map(\.visibleOnOneLine) }
    var widths: [Int] = []
    var used = 0
    for (column, title) in titles.enumerated() {
      let longest = rows.reduce(title.count) { max($0, $1[column].count) }
      let wanted = min(longest, Self.maximumColumnWidth)
      let isFirst = widths.isEmpty
      guard isFirst || used + Self.gap + wanted <= width else { break }
      used += wanted + (isFirst ? 0 : Self.gap)
      widths.append(wanted)
    }
    // The last visible column may use the rest of the line.
    if let last = widths.indices.last {
      let longest = rows.reduce(0) { max($0, $1[last].count) }
      widths[last] = max(widths[last], min(longest, widths[last] + width - used))
    }
    func line(_ cells: [String]) -> TerminalText {
      let shown = zip(cells, widths).map { $0.truncated(to: $1).padded($1) }
      let text = shown.joined(separator: String(repeating: " ", count: Self.gap))
      return .own(String(text.reversed().drop { $0 == " " }.reversed()))
    }
    return ([Style.bold(line(titles))] + rows.map(line), titles.count - widths.count)
  }
}
