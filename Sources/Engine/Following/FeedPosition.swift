import Basics
import JSON

/// How far the events of a feed were acknowledged: a cursor, and the events after it.
///
/// Most commands have a cursor for each document. The keys are those of events inside a document, and of
/// events of a command that has a cursor only for a whole result.
package struct FeedPosition: Sendable, Equatable {
  /// Beyond it, the first one is forgotten, and comes again after a restart.
  static let maximumKeys = 10_000

  /// Nil before the first one.
  package private(set) var cursor: String?
  /// Acknowledged events after the cursor, in the order of their acknowledgement.
  private(set) var keys: [String] = []
  /// Those of `keys` that the next cursor is behind. Keys of an earlier follower whose events have not
  /// come again stay.
  private var passedKeys: [String] = []

  package init(cursor: String? = nil) { self.cursor = cursor }

  /// One event, or a place between events.
  enum Step: Sendable {
    case event(key: String)
    case cursor(String)
  }

  mutating func take(_ step: Step) {
    switch step {
    case .event(let key):
      passedKeys.append(key)
      if !keys.contains(key) { keys.append(key) }
      if keys.count > Self.maximumKeys { keys.removeFirst() }
    case .cursor(let cursor):
      self.cursor = cursor
      guard !passedKeys.isEmpty else { return }
      let passed = Set(passedKeys)
      keys.removeAll { passed.contains($0) }
      passedKeys = []
    }
  }

  // MARK: Encoding

  func write(to writer: inout JSONWriter) {
    writer.member(ifPresent: "cursor", cursor)
    writer.name("acknowledged")
    writer.array { for key in keys { $0.string(key) } }
  }

  /// Nil if the object is invalid.
  init?(_ json: JSON) {
    if let cursor = json["cursor"] {
      guard let text = cursor.string else { return nil }
      self.cursor = text
    }
    guard let list = json["acknowledged"], list.kind == .array else { return nil }
    for key in list.elements {
      guard let text = key.string else { return nil }
      keys.append(text)
    }
  }
}
