/// The positions of the events of a result, for a caller that acknowledges single events.
public struct EventPositions: Sendable {
  /// One event.
  package struct Position: Sendable {
    /// Identifies the event in a later result of the same command.
    package let key: String
    /// The number of its document, from 0, if it is the last event of it.
    package let endedDocument: Int?
  }

  package private(set) var list: [Position] = []
  private var documents = 0
  /// The cursors after documents; nil if the result has no other cursor than that at its end.
  package var cursors: (any EventCursors)?

  public init() {}

  /// Adds the events of the next document.
  ///
  /// - Parameter name: differs between documents, and stays the same in later results.
  mutating func add(_ count: Int, ofDocument name: String) {
    for number in 0..<count {
      let isLast = number == count - 1
      list.append(Position(key: "\(name) \(number)", endedDocument: isLast ? documents : nil))
    }
    documents += 1
  }
}

/// Cursors between the documents of one result. They are made one by one, because each may be large.
public protocol EventCursors: Sendable {
  /// The cursor after a document, from 0, and all documents before it. Called with increasing numbers.
  ///
  /// - Returns: nil if it would be too large to send with an event.
  mutating func cursor(afterDocument number: Int) -> String?
}
