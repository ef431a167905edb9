import Basics
import CCurl
import Glibc
import HTTP
import Synchronization

/// The thread that owns libcurl's multi handle. Other threads enqueue transfers and wake it.
final class TransferThread: Sendable {
  private struct Inbox {
    var starting: [Transfer] = []
    var cancelling: [Transfer] = []
    /// Whose sinks have room again.
    var resuming: [Transfer] = []
    var isEmpty: Bool { starting.isEmpty && cancelling.isEmpty && resuming.isEmpty }
  }

  private let inbox = Mutex(Inbox())
  private let wakeup: Int32

  /// Opens the library and starts the thread. Blocks.
  ///
  /// - Throws: if the library is missing, or the system refuses a descriptor or a thread.
  init() throws(TransportError) {
    let curl: CurlLibrary
    do throws(CurlLibrary.LoadError) {
      curl = try CurlLibrary.shared.get()
    } catch {
      if let code = ResourceShortage.current() { throw Self.refusal(code) }
      throw TransportError(.unavailable, error.reason, mayHaveArrived: false)
    }
    wakeup = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    guard wakeup >= 0 else { throw Self.refusal(errno) }
    let started = Monitor<Int32?>(nil)
    let code = NamedThread.start("http") { [self] in
      let loop = TransferLoop(curl, wakeup: wakeup)
      started.withLock { $0 = loop == nil ? EMFILE : 0 }
      started.notify()
      if let loop { run(loop) }
    }
    let failure = code != 0 ? code : started.wait { $0 } ?? 0
    guard failure == 0 else {
      close(wakeup)
      throw Self.refusal(failure)
    }
  }

  static func refusal(_ code: Int32, mayHaveArrived: Bool = false) -> TransportError {
    TransportError(
      .shortage, "the system refuses what HTTP needs: \(String(cString: strerror(code)))",
      mayHaveArrived: mayHaveArrived)
  }

  private func run(_ loop: TransferLoop) {
    while true {
      let received = inbox.withLock { inbox in
        defer { inbox = Inbox() }
        return inbox
      }
      for transfer in received.starting { loop.start(transfer) }
      for transfer in received.cancelling { loop.cancel(transfer) }
      for transfer in received.resuming { loop.resume(transfer) }
      loop.wait()
    }
  }

  func start(_ transfer: Transfer) { send { $0.starting.append(transfer) } }

  func cancel(_ transfer: Transfer) {
    transfer.markCancelled()
    send { $0.cancelling.append(transfer) }
  }

  func resume(_ transfer: Transfer) { send { $0.resuming.append(transfer) } }

  private func send(_ change: (inout Inbox) -> Void) {
    let isFirst = inbox.withLock { inbox in
      defer { change(&inbox) }
      return inbox.isEmpty
    }
    // The sender that finds the inbox empty wakes the thread. Transfers enqueued before the wake-up
    // are processed with it.
    if isFirst { eventfd_write(wakeup, 1) }
  }
}
