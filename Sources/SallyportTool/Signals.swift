import Basics
import Glibc

/// Handles SIGTERM, SIGINT and SIGHUP on a separate thread.
enum Signals {
  /// What SIGHUP does. If the parent ignores it, as nohup does, only `call` has an effect.
  enum HangUp: Sendable {
    /// The same as SIGTERM.
    case ends
    case call(@Sendable () -> Void)
  }

  private static func set(_ numbers: [Int32]) -> sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in numbers { sigaddset(&signals, number) }
    return signals
  }

  private static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    sigaction(number, nil, &action)
    // The values cannot be compared as functions.
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
      == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  /// Starts a thread that waits for the signals. SIGPIPE is ignored: writing to a closed pipe returns
  /// an error.
  ///
  /// Must be called on the main thread before other threads that could receive a signal start.
  private static func start(
    _ hangUp: HangUp, _ body: @escaping @Sendable (_ next: () -> Int32) -> Void
  ) {
    signal(SIGPIPE, SIG_IGN)
    var numbers = [SIGTERM, SIGINT]
    if case .call = hangUp {
      numbers.append(SIGHUP)
    } else if !isIgnored(SIGHUP) {
      // A blocked signal is delivered to the thread even if it is ignored.
      numbers.append(SIGHUP)
    }
    var signals = set(numbers)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    let code = NamedThread.start("signals") { [numbers] in
      var signals = set(numbers)
      body {
        while true {
          var received: Int32 = 0
          guard sigwait(&signals, &received) == 0 else { continue }
          guard received == SIGHUP, case .call(let call) = hangUp else { return received }
          call()
        }
      }
    }
    // Without the thread a signal ends the process at once.
    if code != 0 { pthread_sigmask(SIG_UNBLOCK, &signals, nil) }
  }

  /// Calls `body` on another thread per signal that ends the process.
  ///
  /// Must be called on the main thread before other threads that could receive a signal start.
  static func watch(hangUp: HangUp = .ends, _ body: @escaping @Sendable () -> Void) {
    start(hangUp) { next in
      while true {
        _ = next()
        body()
      }
    }
  }

  /// Calls `first` at the first signal. At the second one, calls `body` and ends the process.
  ///
  /// Must be called like `watch(_:)`.
  static func watch(
    first: @escaping @Sendable () -> Void, thenEndAfter body: @escaping @Sendable () -> Void
  ) {
    start(.ends) { next in
      _ = next()
      first()
      let received = next()
      body()
      // The default action ends the process. Only this thread handles the signal.
      var signals = set([received])
      pthread_sigmask(SIG_UNBLOCK, &signals, nil)
      raise(received)
    }
  }
}
