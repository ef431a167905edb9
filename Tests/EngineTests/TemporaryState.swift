import Basics
import Foundation

/// A state directory of a test, and what the log says.
final class TemporaryState: Sendable {
  let path: String
  private let logDescriptor: Int32

  init() {
    path =
      FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    logDescriptor = open(path + "/log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
  }

  deinit {
    close(logDescriptor)
    try? FileManager.default.removeItem(atPath: path)
  }

  var ledger: String { path + "/idempotency.jsonl" }

  var log: Log { Log(level: .debug, descriptor: logDescriptor) { $0 } }

  func write(_ text: String) {
    _ = FileManager.default.createFile(atPath: ledger, contents: Data(text.utf8))
  }

  func content(_ name: String = "idempotency.jsonl") -> String {
    (try? String(contentsOfFile: path + "/" + name, encoding: .utf8)) ?? ""
  }

  var lines: [String] { content().split(separator: "\n").map(String.init) }

  /// Another open file, as another process has it.
  func otherDescriptor() -> Int32 { open(ledger, O_RDWR | O_CREAT | O_CLOEXEC, 0o600) }

  /// Waits, not for ever.
  func eventually(_ condition: () -> Bool) async -> Bool {
    let deadline = Deadline(inMilliseconds: 120_000)
    while !deadline.hasPassed {
      if condition() { return true }
      await Task.pause(milliseconds: 2)
    }
    return false
  }
}
