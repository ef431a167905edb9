import Glibc

/// A TCP socket on this machine. A plain descriptor: its creator must close it.
struct Socket: Hashable, Sendable {
  private let descriptor: Int32

  enum Accepted {
    case connection(Socket)
    /// The client disconnected before the accept, or a signal interrupted it.
    case tryAgain
    /// The process is out of descriptors.
    case outOfResources
    case closed
  }

  static func listening(
    port: UInt16, backlog: Int32
  ) throws(HTTPServer.Failure) -> (Socket, port: UInt16) {
    let descriptor = Glibc.socket(
      AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw .system("cannot open a socket", errno) }
    let socket = Socket(descriptor: descriptor)
    // Allows reuse of a fixed port while connections of the last run are in TIME_WAIT.
    socket.set(SOL_SOCKET, SO_REUSEADDR, Int32(1))

    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
    }
    guard bound == 0, listen(descriptor, backlog) == 0 else {
      let failure = errno
      socket.close()
      throw .system("cannot listen on 127.0.0.1:\(port)", failure)
    }
    let named = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    guard named == 0 else {
      let failure = errno
      socket.close()
      throw .system("cannot read the port of the listener", failure)
    }
    return (socket, UInt16(bigEndian: address.sin_port))
  }

  func accept() -> Accepted {
    let accepted = Glibc.accept(descriptor, nil, nil)
    if accepted >= 0 {
      // Swift's Glibc does not expose accept4. A child spawned between these two lines inherits the
      // descriptor, and the connection then stays open until the child exits.
      _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
      return .connection(Socket(descriptor: accepted))
    }
    switch errno {
    case EINTR, ECONNABORTED, EPROTO, ENETDOWN, EHOSTUNREACH, ENETUNREACH: return .tryAgain
    case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .outOfResources
    default: return .closed
    }
  }

  /// Disables Nagle's algorithm and sets the idle timeout for both directions.
  func prepare(idleSeconds: Int) {
    set(Int32(IPPROTO_TCP), TCP_NODELAY, Int32(1))
    let idle = timeval(tv_sec: idleSeconds, tv_usec: 0)
    set(SOL_SOCKET, SO_RCVTIMEO, idle)
    set(SOL_SOCKET, SO_SNDTIMEO, idle)
  }

  /// The number of bytes read; 0 at the end, negative on an error or timeout.
  func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    while true {
      let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
      if count >= 0 || errno != EINTR { return count }
    }
  }

  /// - Returns: false if the client has disconnected.
  func send(_ bytes: ArraySlice<UInt8>) -> Bool {
    bytes.withUnsafeBytes { buffer in
      var sent = 0
      while sent < buffer.count {
        let rest = UnsafeRawBufferPointer(rebasing: buffer[sent...])
        // MSG_NOSIGNAL: a disconnected client must not kill the host with SIGPIPE.
        let count = Glibc.send(descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return false }
        sent += count
      }
      return true
    }
  }

  /// Waits for the given time, or until the connection ends.
  func waitForEnd(milliseconds: Int) {
    var entry = pollfd(fd: descriptor, events: 0, revents: 0)
    _ = poll(&entry, 1, Int32(clamping: milliseconds))
  }

  static func pause(milliseconds: Int) { _ = poll(nil, 0, Int32(clamping: milliseconds)) }

  /// Wakes all threads that wait on the socket. Does not close the descriptor.
  func shutdown() { _ = Glibc.shutdown(descriptor, Int32(SHUT_RDWR)) }

  /// Shuts down sending, then reads remaining input for a while. Closing a socket with unread input
  /// causes a reset, and the client would lose the response.
  func finish(milliseconds: Int, bytes: Int) {
    _ = Glibc.shutdown(descriptor, Int32(SHUT_WR))
    let timeout = timeval(tv_sec: milliseconds / 1_000, tv_usec: milliseconds % 1_000 * 1_000)
    set(SOL_SOCKET, SO_RCVTIMEO, timeout)
    var remaining = bytes
    withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 1) { scratch in
      while remaining > 0 {
        let count = receive(into: scratch)
        if count <= 0 { return }
        remaining -= count
      }
    }
  }

  func close() { _ = Glibc.close(descriptor) }

  func closeWithReset() {
    set(SOL_SOCKET, SO_LINGER, linger(l_onoff: 1, l_linger: 0))
    close()
  }

  static func text(of errorNumber: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
      guard let base = buffer.baseAddress, strerror_r(errorNumber, base, buffer.count) == 0
      else { return "error \(errorNumber)" }
      return String(cString: base)
    }
  }

  /// Ignores errors: the options set here do not fail on a TCP socket.
  private func set<Value: BitwiseCopyable>(_ level: Int32, _ option: Int32, _ value: Value) {
    withUnsafeBytes(of: value) {
      _ = setsockopt(descriptor, level, option, $0.baseAddress, socklen_t($0.count))
    }
  }
}
