import Basics
import Crypto
import Glibc

extension Invocation {
  /// Opens libcrypto before a task signs or makes a digest, since `dlopen` blocks.
  package func openLibcrypto() async throws(CommandError) {
    do throws(BlockingWork.Interruption) {
      try await Libcrypto.open(until: deadline.current)
    } catch {
      throw CommandError(error, of: "Opening libcrypto")
    }
  }
}

extension CommandError {
  /// The failure of a command whose blocking work did not end in time.
  ///
  /// - Parameter what: what was to be done, such as `Reading the password`.
  package init(
    _ interruption: BlockingWork.Interruption, of what: String, outcome: Outcome = .notApplied
  ) {
    switch interruption {
    case .deadline: self = .timeout(what, outcome: outcome)
    case .cancelled: self = .cancelled(outcome: outcome)
    case .noThread(let code):
      self.init(
        .unavailable, "\(what) needs a thread: \(String(cString: strerror(code))).",
        isRetryable: true, outcome: outcome, remedy: "Raise the limit of threads of this user.")
    }
  }
}
