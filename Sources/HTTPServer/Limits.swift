import Glibc

extension HTTPServer {
  /// What one listener takes on.
  package struct Limits: Sendable {
    /// Open connections; one more is answered 503 and closed.
    package var connections = 512
    /// Connections that the kernel holds until they are accepted.
    package var backlog: Int32 = 512
    /// Stack of each connection's thread, which the handler runs on.
    package var stackBytes = 256 * 1_024
    /// Request line and headers together; more is answered 431.
    package var headBytes = 64 * 1_024
    /// Header lines; more is answered 431.
    package var headerCount = 128
    /// A request body after chunks are joined; more is answered 413.
    package var bodyBytes = 64 * 1_024 * 1_024
    /// One line that gives a chunk's size; more is answered 400.
    package var chunkLineBytes = 1_024
    /// Silence of the client, between requests or within one, after which it is hung up on.
    package var idleSeconds = 120
    /// How long, and how much of what the client still sends is read and thrown away after a
    /// refusal, so that it sees the answer and not a reset.
    package var lingerMilliseconds = 500
    package var lingerBytes = 8 * 1_024 * 1_024
    /// Wait before the next accept when the process is out of descriptors.
    package var acceptPauseMilliseconds = 10

    package init() {}
  }

  /// Why a listener could not start.
  package struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The operating system's error number; 0 where there is none.
    package let errorNumber: Int32
    package let description: String

    package var isPortTaken: Bool { errorNumber == EADDRINUSE }

    static func system(_ action: String, _ errorNumber: Int32) -> Failure {
      Failure(errorNumber: errorNumber, description: "\(action): \(Socket.text(of: errorNumber))")
    }

    static func noThread() -> Failure {
      Failure(errorNumber: 0, description: "cannot start a thread for the listener")
    }
  }
}
