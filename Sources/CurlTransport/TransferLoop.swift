import Basics
import CCurl
import Glibc
import HTTP

/// libcurl's multi handle and its descriptors, driven by epoll. The cost of a wake-up depends on
/// the number of events, not on the number of transfers in flight. Used by one thread only.
final class TransferLoop {
  /// Maximum number of idle easy handles.
  private static let idleHandles = 64
  /// Maximum number of idle connections.
  private static let idleConnections = 128
  /// Descriptors of the process that are left for other purposes than connections.
  private static let otherDescriptors = 24
  /// Maximum number of events per wait.
  private static let eventCount = 64

  private let curl: CurlLibrary
  private let multi: UnsafeMutableRawPointer
  private let poll: Int32
  private let wakeup: Int32
  private var running: [UnsafeMutableRawPointer: Transfer] = [:]
  private var idle: [UnsafeMutableRawPointer] = []
  /// Whether epoll watches a descriptor for libcurl, by its number. The system keeps the numbers small.
  private var watched: [Bool] = []
  /// Memory for the events of a wait.
  private var events = [epoll_event](repeating: epoll_event(), count: TransferLoop.eventCount)
  /// The time of the next call to libcurl if no event occurs.
  private var timer: Deadline?

  /// - Returns: nil if no descriptor or memory is left.
  init?(_ curl: CurlLibrary, wakeup: Int32) {
    let poll = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard poll >= 0 else { return nil }
    guard let multi = curl.multiInit() else {
      close(poll)
      return nil
    }
    self.curl = curl
    self.multi = multi
    self.wakeup = wakeup
    self.poll = poll
    watch(wakeup, EPOLLIN.rawValue)
    setCallbacks()
    limitConnections()
  }

  /// With few descriptors transfers wait for a connection instead of failing. Half of the descriptors
  /// are left, because the emulated vendors accept the connections in the same process.
  private func limitConnections() {
    let most = max(1, (DescriptorLimit.current - Self.otherDescriptors) / 2)
    _ = sallyport_multi_setopt_long(
      curl.multiSetOption, multi, CURLMOPT_MAXCONNECTS, min(most, Self.idleConnections))
    _ = sallyport_multi_setopt_long(
      curl.multiSetOption, multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, most)
  }

  private func watch(_ descriptor: Int32, _ events: UInt32) {
    var event = epoll_event(events: events, data: epoll_data_t(fd: descriptor))
    let number = Int(descriptor)
    if number >= watched.count {
      watched += Array(repeating: false, count: number + 1 - watched.count)
    }
    let isNew = !watched[number]
    watched[number] = true
    let result = epoll_ctl(poll, isNew ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, descriptor, &event)
    // The system forgets a descriptor that is closed, and uses its number again.
    if result != 0 && errno == ENOENT { epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event) }
    if result != 0 && errno == EEXIST { epoll_ctl(poll, EPOLL_CTL_MOD, descriptor, &event) }
  }

  private func setCallbacks() {
    // Unretained: the loop lives as long as its thread, which runs until the process exits.
    let owner = Unmanaged.passUnretained(self).toOpaque()
    _ = sallyport_multi_setopt_pointer(
      curl.multiSetOption, multi, CURLMOPT_SOCKETDATA, owner)
    _ = sallyport_multi_setopt_socket(curl.multiSetOption, multi) {
      _, descriptor, what, owner, _ in
      guard let owner else { return 0 }
      Unmanaged<TransferLoop>.fromOpaque(owner).takeUnretainedValue()
        .socketChanged(descriptor, what)
      return 0
    }
    _ = sallyport_multi_setopt_pointer(
      curl.multiSetOption, multi, CURLMOPT_TIMERDATA, owner)
    _ = sallyport_multi_setopt_timer(curl.multiSetOption, multi) { _, milliseconds, owner in
      guard let owner else { return 0 }
      Unmanaged<TransferLoop>.fromOpaque(owner).takeUnretainedValue().timer =
        milliseconds < 0 ? nil : Deadline(inMilliseconds: milliseconds)
      return 0
    }
  }

  private func socketChanged(_ descriptor: Int32, _ what: Int32) {
    switch what {
    case CURL_POLL_REMOVE:
      if Int(descriptor) < watched.count { watched[Int(descriptor)] = false }
      epoll_ctl(poll, EPOLL_CTL_DEL, descriptor, nil)
    case CURL_POLL_IN: watch(descriptor, EPOLLIN.rawValue)
    case CURL_POLL_OUT: watch(descriptor, EPOLLOUT.rawValue)
    case CURL_POLL_INOUT: watch(descriptor, EPOLLIN.rawValue | EPOLLOUT.rawValue)
    default: break
    }
  }

  // MARK: Running

  /// Blocks until an event occurs and passes it to libcurl.
  func wait() {
    let milliseconds = timer.map { Int32(clamping: $0.remainingMilliseconds) } ?? -1
    let count = epoll_wait(poll, &events, Int32(events.count), milliseconds)
    for event in events.prefix(Int(max(0, count))) {
      let descriptor = event.data.fd
      if descriptor == wakeup {
        var value: UInt64 = 0
        eventfd_read(wakeup, &value)
      } else {
        act(descriptor, Self.action(event.events))
      }
    }
    if timer?.hasPassed == true {
      timer = nil
      act(CURL_SOCKET_TIMEOUT, 0)
    }
    finishDone()
  }

  private static func action(_ events: UInt32) -> Int32 {
    var action: Int32 = 0
    if events & EPOLLIN.rawValue != 0 { action |= CURL_CSELECT_IN }
    if events & EPOLLOUT.rawValue != 0 { action |= CURL_CSELECT_OUT }
    if events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 { action |= CURL_CSELECT_ERR }
    return action
  }

  private func act(_ descriptor: Int32, _ action: Int32) {
    var active: Int32 = 0
    _ = curl.multiSocketAction(multi, descriptor, action, &active)
  }

  func start(_ transfer: Transfer) {
    if transfer.isCancelled {
      transfer.finish(
        .failure(TransportError(.cancelled, "the request was cancelled", mayHaveArrived: false)))
      return
    }
    guard let easy = idle.popLast() ?? curl.easyInit() else {
      transfer.finish(.failure(TransferThread.refusal(ENOMEM)))
      return
    }
    TransferOptions(curl: curl, easy: easy).apply(transfer)
    openSockets(for: transfer, of: easy)
    running[easy] = transfer
    // libcurl sets its timer to now, so the transfer starts with the next wait of the thread.
    guard curl.multiAdd(multi, easy) == CURLM_OK else {
      end(easy)
      transfer.finish(.failure(TransferThread.refusal(ENOMEM)))
      return
    }
  }

  /// Opens the sockets of the transfer, because libcurl reports a refused socket like a server that
  /// refuses the connection.
  private func openSockets(for transfer: Transfer, of easy: UnsafeMutableRawPointer) {
    _ = sallyport_setopt_pointer(
      curl.setOption, easy, CURLOPT_OPENSOCKETDATA, Unmanaged.passUnretained(transfer).toOpaque())
    _ = sallyport_setopt_open_socket(curl.setOption, easy) { owner, _, address in
      guard let owner, let address else { return CURL_SOCKET_BAD }
      let type = address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue)
      let descriptor = socket(address.pointee.family, type, address.pointee.protocol)
      if descriptor < 0 {
        Unmanaged<Transfer>.fromOpaque(owner).takeUnretainedValue().socketFailure = errno
      }
      return descriptor
    }
  }

  func cancel(_ transfer: Transfer) {
    guard let easy = running.first(where: { $0.value === transfer })?.key else { return }
    let hasSent = TransferReport(nil, curl, easy, transfer).hasSent
    end(easy)
    transfer.finish(
      .failure(TransportError(.cancelled, "the request was cancelled", mayHaveArrived: hasSent)))
  }

  /// Lets libcurl offer the bytes again that the sink of the transfer had no room for.
  func resume(_ transfer: Transfer) {
    guard let easy = running.first(where: { $0.value === transfer })?.key else { return }
    _ = curl.easyPause(easy, CURLPAUSE_CONT)
  }

  private func finishDone() {
    var remaining: Int32 = 0
    while let message = curl.multiInfoRead(multi, &remaining) {
      guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle,
        let transfer = running[easy]
      else { continue }
      let outcome = TransferReport(message.pointee.data.result, curl, easy, transfer).outcome
      end(easy)
      transfer.finish(outcome)
    }
  }

  /// Removes a transfer from libcurl. Aborts it if it is still running.
  private func end(_ easy: UnsafeMutableRawPointer) {
    _ = curl.multiRemove(multi, easy)
    if let transfer = running.removeValue(forKey: easy) {
      curl.listFree(transfer.headerList)
      transfer.headerList = nil
    }
    if idle.count < Self.idleHandles {
      curl.easyReset(easy)
      idle.append(easy)
    } else {
      curl.easyCleanup(easy)
    }
  }
}
