import Glibc

extension HTTPServer {
  /// The limits of one server.
  package struct Limits: Sendable {
    /// Maximum number of open connections. Further connections get 503 and are closed.
    package var connections = 512
    /// Whether a further connection instead closes the oldest one that has not sent a complete
    /// request. Clients that send nothing then cannot lock others out.
    package var replacesIdleConnections = false
    /// Maximum number of connections that the kernel queues before they are accepted.
    package var backlog: Int32 = 512
    /// Stack size of each connection's thread, on which the handler runs.
    package var stackBytes = 256 * 1_024
    /// Maximum size of request line and headers. Larger heads get 431.
    package var headBytes = 64 * 1_024
    /// Maximum number of header lines. More get 431.
    package var headerCount = 128
    /// Maximum size of a request body after decoding chunks. Larger bodies get 413.
    package var bodyBytes = 64 * 1_024 * 1_024
    /// Maximum length of a chunk size line. Longer lines get 400.
    package var chunkLineBytes = 1_024
    /// Idle timeout of a client, between requests or within one.
    package var idleSeconds = 120
    /// After a rejection, the server reads and discards further input up to these limits. The
    /// client then receives the response instead of a reset.
    package var lingerMilliseconds = 500
    package var lingerBytes = 8 * 1_024 * 1_024
    /// Pause before the next accept if the process is out of descriptors.
    package var acceptPauseMilliseconds = 10

    package init() {}
  }

  /// Why a server cannot start.
  package struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The operating system's error number; 0 if there is none.
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
