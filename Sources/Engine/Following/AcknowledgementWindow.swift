/// The events of a follower that were sent and are not acknowledged yet.
struct AcknowledgementWindow: Sendable {
  private struct Entry {
    let sequence: Int
    /// What its acknowledgement moves the position by.
    private(set) var steps: [FeedPosition.Step]

    /// Of cursors in a row, the last one counts. Polls without events have one each.
    mutating func append(_ more: [FeedPosition.Step]) {
      for step in more {
        if case .cursor = step, case .cursor = steps.last { steps.removeLast() }
        steps.append(step)
      }
    }
  }

  /// Up to the last event that was acknowledged.
  private(set) var position: FeedPosition
  /// Oldest first.
  private var outstanding: [Entry] = []
  private(set) var nextSequence = 0
  private let maximum: Int

  /// - Parameter maximum: of events that are not acknowledged.
  init(from position: FeedPosition, maximum: Int) {
    self.position = position
    self.maximum = maximum
  }

  var count: Int { outstanding.count }
  var isFull: Bool { outstanding.count >= maximum }

  /// The sequence number of the last event that was acknowledged; -1 for none.
  var lastAcknowledged: Int { nextSequence - outstanding.count - 1 }

  /// Adds an event that is sent.
  ///
  /// - Returns: its sequence number.
  mutating func add(_ steps: [FeedPosition.Step]) -> Int {
    outstanding.append(Entry(sequence: nextSequence, steps: steps))
    nextSequence += 1
    return nextSequence - 1
  }

  /// Moves on without an event, once the events before are acknowledged.
  ///
  /// - Returns: whether the position has changed already.
  mutating func pass(_ steps: [FeedPosition.Step]) -> Bool {
    guard outstanding.isEmpty else {
      outstanding[outstanding.count - 1].append(steps)
      return false
    }
    let before = position
    for step in steps { position.take(step) }
    return position != before
  }

  /// The window after the acknowledgement of all events up to a sequence number.
  func acknowledging(through sequence: Int) -> AcknowledgementWindow {
    var window = self
    let acknowledged = window.outstanding.prefix { $0.sequence <= sequence }
    for step in acknowledged.flatMap(\.steps) { window.position.take(step) }
    window.outstanding.removeFirst(acknowledged.count)
    return window
  }

  mutating func acknowledge(through sequence: Int) { self = acknowledging(through: sequence) }
}
