import Basics
import Synchronization

/// The opening of libcrypto, for tasks.
package enum Libcrypto {
  private static let isOpen = Atomic(false)

  /// Opens the library in blocking work unless it is open: a task that makes the first digest
  /// would block its thread in `dlopen`. Where there is no libcrypto, the digest says so.
  package static func open(until deadline: Deadline) async throws(BlockingWork.Interruption) {
    if isOpen.load(ordering: .acquiring) { return }
    try await BlockingWork.libraries.run(until: deadline) {
      if (try? CryptoLibrary.shared.get()) != nil { isOpen.store(true, ordering: .releasing) }
    }
  }
}
