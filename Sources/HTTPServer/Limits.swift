import Glibc

extension HTTPServer {
  /// What one listener takes on.
  public struct Limits: Sendable {
    /// Open connections; one more is answered 503 and closed.
    public var connections = 512
    /// Connections that the kernel holds until they are accepted.
    public var backlog: Int32 = 512
    /// Stack of each connection's thread, which the handler runs on.
    public var stackBytes = 256 * 1_024
    /// Request line and headers together; more is answered 431.
    public var headBytes = 64 * 1_024
    /// Header lines; more is answered 431.
    public var headerCount = 128
    /// A request body after chunks are joined; more is answered 413.
    public var bodyBytes = 64 * 1_024 * 1_024
    /// One line that gives a chunk's size; more is answered 400.
    public var chunkLineBytes = 1_024
    /// Silence of the client, between requests or within one, after which it is hung up on.
    public var idleSeconds = 120
    /// How long, and how much of what the client still sends is read and thrown away after a
    /// refusal, so that it sees the answer and not a reset.
    public var lingerMilliseconds = 500
    public var lingerBytes = 8 * 1_024 * 1_024
    /// Wait before the next accept when the process is out of descriptors.
    public var acceptPauseMilliseconds = 10

    public init() {}
  }

  /// Why a listener could not start.
  public struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The operating system's error number; 0 where there is none.
    public let errorNumber: Int32
    public let description: String

    public var isPortTaken: Bool { errorNumber == EADDRINUSE }

    static func system(_ action: String, _ errorNumber: Int32) -> Failure {
      Failure(errorNumber: errorNumber, description: "\(action): \(Socket.text(of: errorNumber))")
    }

    static func noThread() -> Failure {
      Failure(errorNumber: 0, description: "cannot start a thread for the listener")
    }
  }
}
