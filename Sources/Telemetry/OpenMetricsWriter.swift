/// Writes metrics in the text format of OpenMetrics 1.0.
package struct OpenMetricsWriter {
  package static let contentType = "application/openmetrics-text; version=1.0.0; charset=utf-8"

  package enum MetricType: String { case counter, gauge, histogram }

  package typealias Label = (name: StaticString, value: String)

  /// Maximum length of the value of a label, in characters. The rest is cut.
  package static let maximumLabelCharacters = 128

  private var text = ""
  private var family = ""

  package init() {}

  /// Begins a family. Its samples follow.
  ///
  /// - Parameter unit: the end of the name, for a family with a unit.
  package mutating func begin(
    _ name: String, _ type: MetricType, unit: StaticString? = nil, _ help: StaticString
  ) {
    family = name
    text += "# TYPE \(name) \(type.rawValue)\n"
    if let unit { text += "# UNIT \(name) \(unit)\n" }
    text += "# HELP \(name) \(help)\n"
  }

  package mutating func sample(_ suffix: StaticString, _ labels: [Label], _ value: Int) {
    writeName(suffix, labels)
    text += "\(value)\n"
  }

  package mutating func sample(_ suffix: StaticString, _ labels: [Label], _ value: Double) {
    writeName(suffix, labels)
    text += "\(value)\n"
  }

  /// Ends the text.
  package consuming func finish() -> String { text + "# EOF\n" }

  /// A value as it is written, so that two names that are equal in the text are counted together.
  package static func cut(_ value: String) -> String {
    value.cut(scalars: maximumLabelCharacters)
  }

  private mutating func writeName(_ suffix: StaticString, _ labels: [Label]) {
    text += family
    text += "\(suffix)"
    if !labels.isEmpty {
      text += "{"
      for (position, label) in labels.enumerated() {
        if position > 0 { text += "," }
        text += "\(label.name)=\""
        appendEscaped(label.value)
        text += "\""
      }
      text += "}"
    }
    text += " "
  }

  private mutating func appendEscaped(_ value: String) {
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\\": text += #"\\"#
      case "\"": text += #"\""#
      case "\n": text += #"\n"#
      // A line end for some readers.
      case "\r": text += " "
      default: text.unicodeScalars.append(scalar)
      }
    }
  }
}
