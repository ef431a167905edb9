import Basics
import JSON

/// The id of a request: a string, a number or null. It keeps its source text, so that the response
/// contains `1.50` and 2^64+1 unchanged.
///
/// Ids are equal if their texts are equal after unescaping: `"a"` and `"\u0061"` are the same id.
package struct RequestID: Hashable, Sendable {
  /// JSON on one line. A string, because that needs no allocation up to 15 bytes.
  package let text: String

  package static let null = RequestID(text: "null")

  private init(text: String) { self.text = text }

  /// Nil for a value that cannot be an id.
  package init?(_ json: JSON) {
    switch json.kind {
    case .string, .number, .null: text = json.singleLineText
    default: return nil
    }
  }

  package var isNull: Bool { text == "null" }

  package static func == (one: RequestID, other: RequestID) -> Bool {
    // By bytes: canonically equivalent strings are different ids.
    one.text.utf8.elementsEqual(other.text.utf8)
      || (one.hasEscapes || other.hasEscapes) && one.unescapedBytes == other.unescapedBytes
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(unescapedBytes) }

  private var hasEscapes: Bool { text.utf8.contains(UInt8(ascii: "\\")) }

  /// One spelling for all escaped forms of a string.
  private var unescapedBytes: [UInt8] {
    guard hasEscapes, let text = try? JSON.parse(text).stringBytes else {
      return Array(self.text.utf8)
    }
    return [UInt8(ascii: "\"")] + text + [UInt8(ascii: "\"")]
  }

  package func write(to writer: inout JSONWriter) {
    writer.value(trusted: text)
  }
}

extension JSONFragment {
  package init(id: RequestID) { self.init { id.write(to: &$0) } }
}
