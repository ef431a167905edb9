import Basics
import JSON

/// The id of a request: a string, a number or null. It keeps its source text, so that the response
/// contains `1.50` and 2^64+1 unchanged.
///
/// Ids are equal if their texts are equal after unescaping: `"a"` and `"\u0061"` are the same id.
package struct RequestID: Hashable, Sendable {
  /// JSON text on one line.
  package let sourceBytes: [UInt8]

  package static let null = RequestID(sourceBytes: Array("null".utf8))

  private init(sourceBytes: [UInt8]) { self.sourceBytes = sourceBytes }

  /// Nil for a value that cannot be an id.
  package init?(_ json: JSON) {
    switch json.kind {
    case .string, .number, .null: sourceBytes = json.singleLineBytes
    default: return nil
    }
  }

  package var isNull: Bool { self == .null }

  package var text: String { String(decoding: sourceBytes, as: UTF8.self) }

  package static func == (one: RequestID, other: RequestID) -> Bool {
    one.sourceBytes == other.sourceBytes
      || (one.hasEscapes || other.hasEscapes) && one.unescapedBytes == other.unescapedBytes
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(unescapedBytes) }

  private var hasEscapes: Bool { sourceBytes.contains(UInt8(ascii: "\\")) }

  /// One spelling for all escaped forms of a string.
  private var unescapedBytes: [UInt8] {
    guard hasEscapes, let text = try? JSON.parse(sourceBytes).stringBytes else {
      return sourceBytes
    }
    return [UInt8(ascii: "\"")] + text + [UInt8(ascii: "\"")]
  }

  package func write(to writer: inout JSONWriter) {
    writer.value(JSONFragment(id: self))
  }
}

extension JSONFragment {
  package init(id: RequestID) { self.init(trusted: id.sourceBytes) }
}
