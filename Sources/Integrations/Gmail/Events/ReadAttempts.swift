import IntegrationKit
import JSON

/// How often messages could not be read, over several calls. Part of the cursor.
///
/// A message that Gmail never hands out must not stop the feed: after `maximumAttempts` it becomes an
/// event with the error. When it was received is then unknown, so the cursor keeps its ID, not its
/// time.
struct ReadAttempts: Sendable {
  static let maximumAttempts = 3
  /// Beyond it, the message that failed first is forgotten, and counted anew.
  static let maximumMessages = 500
  static let maximumIDCharacters = 256

  /// In the order of the first failure.
  private(set) var counts: [(id: String, failures: Int)] = []

  /// Messages that became an event with an error.
  var exhausted: [String] {
    counts.filter { $0.failures >= Self.maximumAttempts }.map(\.id)
  }

  /// Whether one more failure makes the message an event.
  func isLast(for id: String) -> Bool { failures(of: id) >= Self.maximumAttempts - 1 }

  private func failures(of id: String) -> Int { counts.first { $0.id == id }?.failures ?? 0 }

  mutating func addFailure(of id: String) {
    if let position = counts.firstIndex(where: { $0.id == id }) {
      counts[position].failures = min(counts[position].failures + 1, Self.maximumAttempts)
    } else if !id.isEmpty, id.unicodeScalars.count <= Self.maximumIDCharacters {
      counts.append((id, 1))
      if counts.count > Self.maximumMessages { counts.removeFirst() }
    }
  }

  /// Makes the next failure the last one again, of a message whose event was not taken.
  mutating func reopen(_ id: String) {
    guard let position = counts.firstIndex(where: { $0.id == id }) else { return }
    counts[position].failures = Self.maximumAttempts - 1
  }

  mutating func remove(_ id: String) { counts.removeAll { $0.id == id } }

  // MARK: Encoding

  func write(to writer: inout JSONWriter) {
    writer.array { writer in
      for count in counts {
        writer.string(count.id)
        writer.integer(count.failures)
      }
    }
  }

  init() {}

  /// Nil if the list is invalid.
  init?(_ json: JSON) {
    guard json.kind == .array, json.count.isMultiple(of: 2),
      json.count / 2 <= Self.maximumMessages
    else { return nil }
    var id: String?
    for element in json.elements {
      if let counted = id {
        guard let failures = element.integer, (1...Int64(Self.maximumAttempts)).contains(failures)
        else { return nil }
        counts.append((counted, Int(failures)))
        id = nil
      } else {
        guard let text = element.string, !text.isEmpty,
          text.unicodeScalars.count <= Self.maximumIDCharacters
        else { return nil }
        id = text
      }
    }
    guard Set(counts.map(\.id)).count == counts.count else { return nil }
  }
}

extension CommandError {
  /// Whether a failure to read a message concerns only that message: Gmail answered, and neither
  /// refused the caller nor the rate.
  ///
  /// - Parameter isReadable: whether other content of the mailbox could be read in the same call. A
  ///   response that always breaks off is then one of this message, too.
  func concernsOneMessage(ifOthersAreReadable isReadable: Bool) -> Bool {
    guard !concernsSignIn else { return false }
    switch kind {
    case .upstream, .notFound, .tooLarge: return true
    // A reason that concerns the caller has a remedy, see `GmailErrors`.
    case .permission: return remedy == nil
    // Of the vendor, not of the call.
    case .timeout: return statusCode == 408 || upstream != nil
    // A connection that cannot be made has a remedy.
    case .network: return isReadable && isRetryable && remedy == nil
    default: return false
    }
  }

  /// The error with the message that could not be read.
  func reading(message id: String) -> CommandError {
    guard !concernsSignIn, kind != .cancelled else { return self }
    var error = self
    error.message = "Message \(id) could not be read: \(message)"
    return error
  }
}
