import Basics
import Glibc

/// Handles SIGTERM and SIGINT on a separate thread.
enum Signals {
  private static var ending: sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGTERM)
    sigaddset(&signals, SIGINT)
    return signals
  }

  /// Calls `body` on another thread per signal. SIGPIPE is ignored: writing to a closed pipe returns
  /// an error.
  ///
  /// Must be called on the main thread before other threads that could receive a signal start.
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

  /// Calls `first` at the first signal. At the second one, calls `body` and ends the process.
  ///
  /// Must be called like `watch(_:)`.
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
      // The default action ends the process. Only this thread handles the signal.
      pthread_sigmask(SIG_UNBLOCK, &signals, nil)
      raise(received)
    }
    if code != 0 { pthread_sigmask(SIG_UNBLOCK, &signals, nil) }
  }
}
