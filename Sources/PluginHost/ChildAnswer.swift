import Basics
import JSON
import Synchronization

/// A request of the host that one task waits for.
final class ChildAnswer: ChildPeer.Waiter {
  private let result = Mutex<Result<JSON, ChildError>?>(nil)
  private let latch = Latch()

  var queuedBytes: Int { 0 }

  func response(_ result: Result<JSON, ChildError>) {
    self.result.withLock { $0 = result }
    latch.signal()
  }

  /// - Returns: nil if the deadline passed or the task was cancelled first.
  func wait(until deadline: Deadline) async -> Result<JSON, ChildError>? {
    guard await latch.wait(until: deadline) else { return nil }
    return result.withLock { $0 }
  }
}

/// Why a request to a program has no result.
enum ChildError: Error, Sendable {
  /// An error response.
  struct Answer: Sendable {
    let code: Int64
    let message: String
    let data: JSON?

    init(_ error: JSON) {
      code = error["code"]?.integer ?? 0
      message = error["message"]?.string ?? "no message"
      data = error["data"]
    }
  }

  case answer(Answer)
  /// The response was longer than the limit of a result.
  case tooLong
  case malformed(String)
  /// The program has ended.
  case ended(String)
}
