import Glibc

/// A TCP socket of this machine. A plain name for a descriptor: whoever opened it closes it.
struct Socket: Hashable, Sendable {
  private let descriptor: Int32

  enum Accepted {
    case connection(Socket)
    /// The client left before it was accepted, or a signal came.
    case tryAgain
    /// The process has no descriptor left.
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
    // So that a chosen port can be taken again while connections of the last run are in TIME_WAIT.
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
    precondition(named == 0, "a bound socket has a name")
    return (socket, UInt16(bigEndian: address.sin_port))
  }

  func accept() -> Accepted {
    let accepted = Glibc.accept(descriptor, nil, nil)
    if accepted >= 0 {
      // Swift's Glibc hides accept4, so a child that is spawned between these two lines inherits
      // the descriptor: that connection then ends with the child.
      _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
      return .connection(Socket(descriptor: accepted))
    }
    switch errno {
    case EINTR, ECONNABORTED, EPROTO, ENETDOWN, EHOSTUNREACH, ENETUNREACH: return .tryAgain
    case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .outOfResources
    default: return .closed
    }
  }

  /// Answers leave at once, and a silent client is given up on after `idleSeconds`, both ways.
  func prepare(idleSeconds: Int) {
    set(Int32(IPPROTO_TCP), TCP_NODELAY, Int32(1))
    let idle = timeval(tv_sec: idleSeconds, tv_usec: 0)
    set(SOL_SOCKET, SO_RCVTIMEO, idle)
    set(SOL_SOCKET, SO_SNDTIMEO, idle)
  }

  /// Bytes read: 0 at the end, negative on a failure or after the idle time.
  func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    while true {
      let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
      if count >= 0 || errno != EINTR { return count }
    }
  }

  /// - Returns: false when the client is gone.
  func send(_ bytes: ArraySlice<UInt8>) -> Bool {
    bytes.withUnsafeBytes { buffer in
      var sent = 0
      while sent < buffer.count {
        let rest = UnsafeRawBufferPointer(rebasing: buffer[sent...])
        // MSG_NOSIGNAL: a client that left must not kill the host with SIGPIPE.
        let count = Glibc.send(descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return false }
        sent += count
      }
      return true
    }
  }

  /// Waits, or less long when the connection ends meanwhile.
  func waitForEnd(milliseconds: Int) {
    var entry = pollfd(fd: descriptor, events: 0, revents: 0)
    _ = poll(&entry, 1, Int32(clamping: milliseconds))
  }

  static func pause(milliseconds: Int) { _ = poll(nil, 0, Int32(clamping: milliseconds)) }

  /// Wakes whoever waits on it; the descriptor stays taken.
  func shutdown() { _ = Glibc.shutdown(descriptor, Int32(SHUT_RDWR)) }

  /// Tells the client that nothing more comes, then reads for a while what it still sends: a
  /// socket that is closed with unread bytes resets, and the client would lose the answer.
  func finish(milliseconds: Int, bytes: Int) {
    _ = Glibc.shutdown(descriptor, Int32(SHUT_WR))
    let patience = timeval(tv_sec: milliseconds / 1_000, tv_usec: milliseconds % 1_000 * 1_000)
    set(SOL_SOCKET, SO_RCVTIMEO, patience)
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

  /// Options are wishes: none that is set here fails on a TCP socket.
  private func set<Value: BitwiseCopyable>(_ level: Int32, _ option: Int32, _ value: Value) {
    withUnsafeBytes(of: value) {
      _ = setsockopt(descriptor, level, option, $0.baseAddress, socklen_t($0.count))
    }
  }
}
