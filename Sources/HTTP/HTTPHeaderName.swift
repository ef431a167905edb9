import Basics
import JSON

/// The name of a header of a request: a literal, or a text that is known only at run time.
public struct HTTPHeaderName: Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
  /// A reference, so that a copy of a literal costs nothing.
  private final class Text: Sendable {
    let text: String
    init(_ text: String) { self.text = text }
  }

  private let literal: StaticString
  /// Nil for a literal.
  private let text: Text?

  public init(stringLiteral name: StaticString) {
    literal = name
    text = nil
  }

  /// - Returns: nil if the text is not a token (RFC 9110 section 5.1).
  public init?(_ text: String) {
    guard !text.isEmpty, text.utf8.allSatisfy(Self.isTokenByte) else { return nil }
    literal = ""
    self.text = Text(text)
  }

  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"):
      true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }

  public var description: String { text?.text ?? "\(literal)" }

  /// Appends its text.
  public func append(to buffer: inout ByteBuffer) {
    if let text { buffer.append(text: text.text) } else { buffer.append(literal) }
  }

  /// Writes it as the name of a member.
  func write(to writer: inout JSONWriter) {
    if let text { writer.name(text: text.text) } else { writer.name(literal) }
  }
}
