import Basics
import Glibc

/// SIGTERM and SIGINT, taken by a thread that waits for them.
enum Signals {
  private static var ending: sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGTERM)
    sigaddset(&signals, SIGINT)
    return signals
  }

  /// Calls `body` on another thread for each such signal from now on. SIGPIPE is ignored: a closed
  /// pipe is an error of the write.
  ///
  /// To be called on the main thread before there are others that could receive a signal.
  static func watch(_ body: @escaping @Sendable () -> Void) {
    signal(SIGPIPE, SIG_IGN)
    var signals = ending
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    let code = NamedThread.start("signals") {
      var signals = ending
      while true {
        var received: Int32 = 0
        if sigwait(&signals, &received) == 0 { body() }
      }
    }
    // Without the thread a signal ends the process at once.
    if code != 0 { pthread_sigmask(SIG_UNBLOCK, &signals, nil) }
  }

  /// Calls `first` at the first such signal, and `body` at the second, which ends the process.
  ///
  /// To be called as `watch` is.
  static func watch(
    first: @escaping @Sendable () -> Void, thenEndAfter body: @escaping @Sendable () -> Void
  ) {
    var signals = ending
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    let code = NamedThread.start("signals") {
      var signals = ending
      var received: Int32 = 0
      while sigwait(&signals, &received) != 0 {}
      first()
      while sigwait(&signals, &received) != 0 {}
      body()
      // Nobody has changed what it does, and no thread takes it but this one.
      pthread_sigmask(SIG_UNBLOCK, &signals, nil)
      raise(received)
    }
    if code != 0 { pthread_sigmask(SIG_UNBLOCK, &signals, nil) }
  }
}
