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
    var isEmpty: Bool { starting.isEmpty && cancelling.isEmpty }
  }

  private let inbox = Mutex(Inbox())
  private let wakeup: Int32

  init(_ curl: CurlLibrary) {
    let wakeup = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    precondition(wakeup >= 0, "out of file descriptors")
    self.wakeup = wakeup
    NamedThread.start("http") { [self] in
      let loop = TransferLoop(curl, wakeup: wakeup)
      while true {
        let (starting, cancelling) = inbox.withLock { inbox in
          defer { inbox = Inbox() }
          return (inbox.starting, inbox.cancelling)
        }
        for transfer in starting { loop.start(transfer) }
        for transfer in cancelling { loop.cancel(transfer) }
        loop.wait()
      }
    }
  }

  func start(_ transfer: Transfer) { send { $0.starting.append(transfer) } }

  func cancel(_ transfer: Transfer) {
    transfer.markCancelled()
    send { $0.cancelling.append(transfer) }
  }

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
