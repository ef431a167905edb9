import Basics

/// The id of a request: a string, a number or null, kept as the source text it arrived in, so that
/// `1.50` and 2^64+1 come back as they were sent.
public struct RequestID: Hashable, Sendable {
  /// JSON text on one line.
  public let sourceBytes: [UInt8]

  public static let null = RequestID(sourceBytes: Array("null".utf8))

  private init(sourceBytes: [UInt8]) { self.sourceBytes = sourceBytes }

  /// Nil for a kind of value that cannot be an id.
  public init?(_ json: JSON) {
    switch json.kind {
    case .string, .number, .null: sourceBytes = json.bytesOnOneLine
    default: return nil
    }
  }

  public var isNull: Bool { self == .null }

  public var text: String { String(decoding: sourceBytes, as: UTF8.self) }

  public func write(to writer: inout JSONWriter) {
    writer.value(JSONFragment(id: self))
  }
}

extension JSONFragment {
  init(id: RequestID) { self.init(trusted: id.sourceBytes) }
}
