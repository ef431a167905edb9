import Basics

/// The error of a response (JSON-RPC 2.0 section 5.1).
public struct RPCError: Error, Sendable {
  /// Codes of the specification, and the two that Sallyport adds from its server range and from
  /// the Language Server Protocol.
  public struct Code: RawRepresentable, Equatable, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }

    public static let parseError = Code(rawValue: -32700)
    public static let invalidRequest = Code(rawValue: -32600)
    public static let methodNotFound = Code(rawValue: -32601)
    public static let invalidParams = Code(rawValue: -32602)
    /// A command ran and failed.
    public static let commandFailed = Code(rawValue: -32000)
    public static let requestCancelled = Code(rawValue: -32800)
  }

  public var code: Code
  /// A sentence for people.
  public var message: String
  public var data: JSONFragment?

  public init(_ code: Code, _ message: String, data: JSONFragment? = nil) {
    self.code = code
    self.message = message
    self.data = data
  }

  /// The error of a line that is not a request, with where it is: the line from 1, and bytes into
  /// the line from 0.
  public static func line(
    _ code: Code, _ message: String, line: Int, offset: Int, remedy: String? = nil
  ) -> RPCError {
    RPCError(
      code, message,
      data: JSONFragment { writer in
        writer.object {
          $0.member("line", line)
          $0.member("offset", offset)
          $0.member(ifPresent: "remedy", remedy)
        }
      })
  }
}
