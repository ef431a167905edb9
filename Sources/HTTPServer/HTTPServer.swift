import Glibc
import Synchronization

/// A small HTTP/1.1 server on 127.0.0.1 (RFC 9110, RFC 9112), for the emulated vendors and for
/// redirects from a consent page.
///
/// It runs inside the host process, so it is designed for a fast start (a socket and one thread,
/// well under a millisecond) and a bounded footprint. It is not for open networks: no TLS, one
/// blocking thread per connection. With a thread per connection, a handler is a plain function that
/// may block, as slow and dropped responses require. A server keeps itself alive until `stop()`.
package final class HTTPServer: Sendable {
  /// Runs on the connection's thread with a stack of `Limits.stackBytes`. May block. Called
  /// concurrently.
  package typealias Handler = @Sendable (Request) -> Response

  package let limits: Limits
  /// The listening port.
  package let port: UInt16

  private let listener: Socket
  private let handler: Handler
  private let state: Mutex<State>

  private struct State {
    var acceptor: ServerThread?
    /// By the order of their arrival.
    var connections: [UInt64: OpenConnection] = [:]
    var count: UInt64 = 0
    var isStopping = false
  }

  private struct OpenConnection {
    let socket: Socket
    /// Whether a complete request was received and its response was not sent.
    var isHandling = false
  }

  /// Starts listening. Requests are served as soon as this returns.
  ///
  /// - Parameter port: 0 for any free port.
  /// - Throws: if the port is in use, or if the process is out of descriptors or threads.
  package init(
    port: UInt16 = 0, limits: Limits = Limits(), handler: @escaping Handler
  ) throws(Failure) {
    self.limits = limits
    self.handler = handler
    (listener, self.port) = try Socket.listening(port: port, backlog: limits.backlog)
    state = Mutex(State())
    let acceptor = ServerThread.start(stackBytes: limits.stackBytes) { [self] in
      acceptConnections()
    }
    guard let acceptor else {
      listener.close()
      throw .noThread()
    }
    state.withLock { $0.acceptor = acceptor }
  }

  /// Closes the listener and all connections. Returns when no more connections are accepted.
  /// Running handlers finish, but their responses are dropped. Must not be called concurrently; a
  /// second call has no effect.
  package func stop() {
    let acceptor: ServerThread? = state.withLock { state in
      defer { state.acceptor = nil }
      state.isStopping = true
      // A socket leaves the set before its descriptor is closed, so this cannot affect a reused
      // one.
      for connection in state.connections.values { connection.socket.shutdown() }
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
        // Descriptors become free when a connection closes. The kernel's backlog holds new
        // connections.
        if state.withLock({ $0.isStopping }) { return }
        Socket.pause(milliseconds: limits.acceptPauseMilliseconds)
      case .closed: return
      }
    }
  }

  private func open(_ socket: Socket) {
    guard let number = admit(socket) else {
      reject(socket)
      return
    }
    let thread = ServerThread.start(stackBytes: limits.stackBytes) { [self] in
      var connection = Connection(socket: socket, limits: limits, handler: handler) {
        isHandling in
        self.state.withLock { $0.connections[number]?.isHandling = isHandling }
      }
      let ending = connection.serve()
      state.withLock { _ = $0.connections.removeValue(forKey: number) }
      if ending == .reset { socket.closeWithReset() } else { socket.close() }
    }
    if let thread {
      thread.detach()
    } else {
      state.withLock { _ = $0.connections.removeValue(forKey: number) }
      reject(socket)
    }
  }

  /// - Returns: nil if there are too many connections.
  private func admit(_ socket: Socket) -> UInt64? {
    state.withLock { state in
      if state.isStopping { return nil }
      if state.connections.count >= limits.connections {
        let idle = state.connections.filter { !$0.value.isHandling }.min { $0.key < $1.key }
        guard limits.replacesIdleConnections, let idle else { return nil }
        // Its thread closes the descriptor, later.
        idle.value.socket.shutdown()
        state.connections.removeValue(forKey: idle.key)
      }
      state.count += 1
      state.connections[state.count] = OpenConnection(socket: socket)
      return state.count
    }
  }

  private func reject(_ socket: Socket) {
    var writer = ResponseWriter(socket: socket)
    _ = writer.write(.text(503, "too many connections"), hasBody: true, keepsAlive: false)
    socket.close()
  }
}
