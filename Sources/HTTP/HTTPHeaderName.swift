import Basics
import JSON

/// The name of a header of a request: a literal, or a text that is known only at run time.
public struct HTTPHeaderName: Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
  private enum Form: Sendable {
    case literal(StaticString)
    case text(String)
  }

  private let form: Form

  public init(stringLiteral name: StaticString) { form = .literal(name) }

  /// - Returns: nil if the text is not a token (RFC 9110 section 5.1).
  public init?(_ text: String) {
    guard !text.isEmpty, text.utf8.allSatisfy(Self.isTokenByte) else { return nil }
    form = .text(text)
  }

  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"):
      true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }

  public var description: String {
    switch form {
    case .literal(let name): "\(name)"
    case .text(let name): name
    }
  }

  /// Appends its text.
  public func append(to buffer: inout ByteBuffer) {
    switch form {
    case .literal(let name): buffer.append(name)
    case .text(let name): buffer.append(text: name)
    }
  }

  /// Writes it as the name of a member.
  func write(to writer: inout JSONWriter) {
    switch form {
    case .literal(let name): writer.name(name)
    case .text(let name): writer.name(text: name)
    }
  }
}
