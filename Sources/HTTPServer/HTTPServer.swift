import Glibc
import Synchronization

/// A small HTTP/1.1 listener on 127.0.0.1 (RFC 9110, RFC 9112), for the emulated vendors and for
/// browsers that come back from a consent page.
///
/// It lives in the host's own process, so it is written for a fast start (a socket and one thread,
/// well under a millisecond) and a bounded footprint, not for the open network: no TLS, one
/// blocking thread per connection. A thread per connection keeps the handler a plain function
/// that may wait, which is what "answer slowly" and "drop the body" need. A listener keeps itself
/// alive until `stop()`.
package final class HTTPServer: Sendable {
  /// Runs on the connection's thread, whose stack is `Limits.stackBytes`; may block. Called from
  /// many threads at once.
  package typealias Handler = @Sendable (Request) -> Response

  package let limits: Limits
  /// The port it listens on.
  package let port: UInt16

  private let listener: Socket
  private let handler: Handler
  private let state: Mutex<State>

  private struct State {
    var acceptor: OwnThread?
    var connections: Set<Socket> = []
    var isStopping = false
  }

  /// Listens at once; requests are answered when this returns.
  ///
  /// - Parameter port: 0 for any free one.
  /// - Throws: when the port is taken or the process is out of descriptors or threads.
  package init(
    port: UInt16 = 0, limits: Limits = Limits(), handler: @escaping Handler
  ) throws(Failure) {
    self.limits = limits
    self.handler = handler
    (listener, self.port) = try Socket.listening(port: port, backlog: limits.backlog)
    state = Mutex(State())
    let acceptor = OwnThread.start(stackBytes: limits.stackBytes) { [self] in
      acceptConnections()
    }
    guard let acceptor else {
      listener.close()
      throw .noThread()
    }
    state.withLock { $0.acceptor = acceptor }
  }

  /// Closes the listener and every connection. Returns when nothing is accepted any more; a
  /// handler that is still running ends on its own, and its answer goes nowhere.
  /// Must not be called from two threads at once; a second call does nothing.
  package func stop() {
    let acceptor: OwnThread? = state.withLock { state in
      defer { state.acceptor = nil }
      state.isStopping = true
      // A socket leaves the set before its descriptor is closed, so this never hits a stranger's.
      for connection in state.connections { connection.shutdown() }
      return state.acceptor
    }
    guard let acceptor else { return }
    listener.shutdown()
    acceptor.join()
    listener.close()
  }

  private func acceptConnections() {
    while true {
      switch listener.accept() {
      case .connection(let socket): open(socket)
      case .tryAgain: continue
      case .outOfResources:
        // Descriptors are back when some connection ends; the kernel's backlog holds the rest.
        if state.withLock({ $0.isStopping }) { return }
        Socket.pause(milliseconds: limits.acceptPauseMilliseconds)
      case .closed: return
      }
    }
  }

  private func open(_ socket: Socket) {
    let isAdmitted = state.withLock { state in
      guard !state.isStopping, state.connections.count < limits.connections else { return false }
      state.connections.insert(socket)
      return true
    }
    guard isAdmitted else {
      refuse(socket)
      return
    }
    let thread = OwnThread.start(stackBytes: limits.stackBytes) { [self] in
      var connection = Connection(socket: socket, limits: limits, handler: handler)
      let ending = connection.serve()
      state.withLock { _ = $0.connections.remove(socket) }
      if ending == .reset { socket.closeWithReset() } else { socket.close() }
    }
    if let thread {
      thread.detach()
    } else {
      state.withLock { _ = $0.connections.remove(socket) }
      refuse(socket)
    }
  }

  private func refuse(_ socket: Socket) {
    var writer = ResponseWriter(socket: socket)
    _ = writer.write(.text(503, "too many connections"), hasBody: true, keepsAlive: false)
    socket.close()
  }
}
