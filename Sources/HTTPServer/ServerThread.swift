import Glibc

/// A thread with a given stack size. Must be either joined or detached.
///
/// Blocks all signals: other threads of the process handle them.
struct ServerThread: Sendable {
  private let handle: pthread_t

  private final class Work: Sendable {
    let body: @Sendable () -> Void

    init(body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// - Returns: nil if the system cannot create a thread.
  static func start(stackBytes: Int, _ body: @escaping @Sendable () -> Void) -> ServerThread? {
    var attributes = pthread_attr_t()
    guard pthread_attr_init(&attributes) == 0 else { return nil }
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, stackBytes)

    var everySignal = sigset_t()
    var before = sigset_t()
    sigfillset(&everySignal)
    pthread_sigmask(SIG_SETMASK, &everySignal, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }

    let work = Unmanaged.passRetained(Work(body: body))
    var handle = pthread_t()
    let outcome = pthread_create(
      &handle, &attributes,
      { argument in
        guard let argument else { preconditionFailure("thread without work") }
        Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
        return nil
      }, work.toOpaque())
    guard outcome == 0 else {
      work.release()
      return nil
    }
    return ServerThread(handle: handle)
  }

  func join() { pthread_join(handle, nil) }

  func detach() { pthread_detach(handle) }
}
