import Basics
import JSON

/// A value with its location in the document (RFC 9535 section 1.1, "node").
package struct JSONPathNode: Sendable {
  package let value: JSON
  /// Nil for the root, and for all nodes if locations are not tracked.
  let location: Location?

  /// The normalized path that selects only this node, such as `$['store']['book'][0]` (section
  /// 2.7). Takes time proportional to its length.
  package var normalizedPath: String {
    var steps: [Location.Step] = []
    var ancestor = location
    while let current = ancestor {
      steps.append(current.step)
      ancestor = current.parent
    }
    var path = "$"
    for step in steps.reversed() {
      switch step {
      case .index(let index): path += "[\(index)]"
      case .name(let name): path += "['\(Self.escaped(name.string ?? ""))']"
      }
    }
    return path
  }

  private static func escaped(_ name: String) -> String {
    var escaped = ""
    for scalar in name.unicodeScalars {
      switch scalar {
      case "'": escaped += "\\'"
      case "\\": escaped += "\\\\"
      case "\u{08}": escaped += "\\b"
      case "\t": escaped += "\\t"
      case "\n": escaped += "\\n"
      case "\u{0C}": escaped += "\\f"
      case "\r": escaped += "\\r"
      case "\u{00}"..."\u{1F}":
        escaped += (scalar.value < 0x10 ? "\\u000" : "\\u00") + String(scalar.value, radix: 16)
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
