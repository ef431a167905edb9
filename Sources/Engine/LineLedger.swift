import Basics
import IntegrationKit
import JSON
import RPC
import Synchronization

/// Idempotency keys for the writes of request files: after a crash, `run --resume` repeats none that may
/// have been applied.
package final class LineLedger: Sendable {
  /// Keys with a known end that are kept. Only the last ones matter: the others have a response.
  static let maximumKeys = 1_000_000
  /// Bytes of their results.
  static let maximumResultBytes = 256 * 1_024 * 1_024

  package let ledger: IdempotencyLedger
  /// Of each input, without its directory, so that it can be moved.
  private let inputNames: [String]
  /// The ids of the writes of this run, with the numbers of their inputs.
  private let ids = Mutex<Set<String>>([])

  /// - Parameter inputs: the paths of the request files, in the order in which they are read.
  package init(file path: String, inputs: [String], log: Log) throws(FileError) {
    // A run may be resumed after any time.
    let budget = LedgerMemory.Budget(
      keys: Self.maximumKeys, bytes: Self.maximumResultBytes, unfinishedKeys: Self.maximumKeys,
      retentionMilliseconds: .max)
    ledger = try IdempotencyLedger(file: path, log: log, budget: budget)
    var counts: [String: Int] = [:]
    inputNames = inputs.map { path in
      let name = path.split(separator: "/").last.map(String.init) ?? path
      counts[name, default: 0] += 1
      return "\(name)\n\(counts[name] ?? 0)"
    }
  }

  /// The key of a request: its file and id, so that its line may move. A second one with the same id, and one
  /// without, has its line in the key.
  fileprivate func key(_ place: RequestPlace, _ id: RequestID?) -> String {
    let file = inputNames[place.input]
    if let id, !id.isNull, isFirst("\(place.input)\n\(id.text)") { return "\(file)\n\(id.text)" }
    return "\(file)\n\(place.line)\n\(place.member)\n\(id?.text ?? "")"
  }

  /// Whether no earlier request of this run had the id.
  private func isFirst(_ id: String) -> Bool {
    // Beyond the limit two requests with one id have one key: the second is not sent.
    ids.withLock { $0.count >= Self.maximumKeys || $0.insert(id).inserted }
  }
}

extension InvocationRequest {
  /// Gives a write without a key the key of its line.
  package mutating func setLineKey(
    from lines: LineLedger, _ place: RequestPlace, _ id: RequestID?
  ) {
    guard options.idempotencyKey == nil, command.effect != .read else { return }
    lineKey = lines.key(place, id)
  }
}
