import CProcess
import Glibc

/// A thread of the process's own, named for debuggers and `top -H`.
package enum NamedThread {
  private final class Body {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// Starts a detached thread. It blocks all signals, so that they arrive at the main thread.
  ///
  /// - Parameter name: at most 15 bytes, the kernel's limit.
  /// - Returns: 0, or the errno with which the system refused the thread. `run` then never runs.
  @discardableResult
  package static func start(
    _ name: StaticString, stackBytes: Int = 512 * 1_024, _ run: @escaping @Sendable () -> Void
  ) -> Int32 {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, stackBytes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    var allSignals = sigset_t()
    var previous = sigset_t()
    sigfillset(&allSignals)
    pthread_sigmask(SIG_SETMASK, &allSignals, &previous)
    defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }
    var thread = pthread_t()
    let body = Unmanaged.passRetained(
      Body {
        // A static string ends with NUL.
        name.utf8Start.withMemoryRebound(to: CChar.self, capacity: name.utf8CodeUnitCount + 1) {
          sallyport_name_thread($0)
        }
        run()
      })
    let status = pthread_create(
      &thread, &attributes,
      { argument in
        guard let argument else { return nil }
        Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, body.toOpaque())
    if status != 0 { body.release() }
    return status
  }
}
