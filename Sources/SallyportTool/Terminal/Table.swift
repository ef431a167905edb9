import Basics

/// A table that fits the terminal.
struct Table {
  private static let gap = 2
  /// A column is truncated to this width before later columns are hidden.
  private static let maximumColumnWidth = 40
  /// The last column that fits is truncated to the rest of the line, but not below this width.
  private static let minimumColumnWidth = 12

  let titles: [String]
  var rows: [[String]] = []

  init(_ titles: [String]) { self.titles = titles }

  init(_ titles: [String], rows: [[String]]) { (self.titles, self.rows) = (titles, rows) }

  /// - Returns: the lines and the number of hidden columns.
  func lines(width: Int) -> (text: [TerminalText], hiddenColumns: Int) {
    let widths = widths(width: width)
    return (
      [Style.bold(Self.line(titles, widths))] + rows.map { Self.line($0, widths) },
      titles.count - widths.count
    )
  }

  /// The widths of the columns that fit.
  func widths(width: Int) -> [Int] {
    let titles = titles.map(\.visibleOnOneLine)
    let rows = rows.map { $0.map(\.visibleOnOneLine) }
    var widths: [Int] = []
    var used = 0
    for (column, title) in titles.enumerated() {
      let longest = rows.reduce(title.count) { max($0, $1[column].count) }
      let wanted = min(longest, Self.maximumColumnWidth)
      let isFirst = widths.isEmpty
      let left = isFirst ? wanted : width - used - Self.gap
      guard wanted <= left || left >= Self.minimumColumnWidth else { break }
      used += min(wanted, left) + (isFirst ? 0 : Self.gap)
      widths.append(min(wanted, left))
      if wanted > left { break }
    }
    // The last visible column may use the rest of the line.
    if let last = widths.indices.last {
      let longest = rows.reduce(0) { max($0, $1[last].count) }
      widths[last] = max(widths[last], min(longest, widths[last] + width - used))
    }
    return widths
  }

  static func line(_ cells: [String], _ widths: [Int]) -> TerminalText {
    let shown = zip(cells, widths).map { $0.visibleOnOneLine.truncated(to: $1).padded($1) }
    let text = shown.joined(separator: String(repeating: " ", count: gap))
    return .own(String(text.reversed().drop { $0 == " " }.reversed()))
  }
}
