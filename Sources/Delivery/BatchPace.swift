/// How many elements a batch has, and how many batches are in flight. A vendor works on all elements of
/// a batch at once, and refuses those that are too many at once for one user.
///
/// Begins with two batches of the whole size. A batch that is settled completely allows one more, and
/// twice the size after it was reduced. A batch with refused elements halves the size. Any batch that
/// is not settled completely leaves one in flight.
package struct BatchPace: Sendable, Equatable {
  package static let firstBatches = 2
  package static let maximumBatches = 4
  /// Elements of the smallest batch. Fewer are sent individually.
  package static let minimumSize = 6

  package let maximumSize: Int
  package private(set) var size: Int
  package private(set) var batches = Self.firstBatches

  package init(size: Int) {
    maximumSize = size
    self.size = size
  }

  var minimumSize: Int { min(Self.minimumSize, maximumSize) }

  /// Learns from the answers of a batch.
  package mutating func record(_ answers: [BatchAnswer]) {
    if answers.allSatisfy({ $0.settled != nil }) {
      batches = min(batches + 1, Self.maximumBatches)
      size = min(size * 2, maximumSize)
    } else {
      batches = 1
      if answers.contains(where: \.isRefusedByRate) { size = max(size / 2, minimumSize) }
    }
  }
}

/// Which elements the next batch has.
struct BatchSchedule {
  /// Batches that an element is sent in at most. Then it is sent individually, with the back-off and the
  /// errors of a single request.
  static let maximumAttempts = 4

  private(set) var pace: BatchPace
  /// Positions of elements that are to be sent, those that were refused first.
  private var waiting: [Int]
  private var attempts: [Int]
  private var inFlight = 0
  /// Whether a batch settled nothing, so that further ones would fare no better.
  private var hasFailed = false

  init(count: Int, size: Int) {
    pace = BatchPace(size: size)
    waiting = Array(0..<count)
    attempts = Array(repeating: 0, count: count)
  }

  /// The positions of the next batch; nil if none may be sent now.
  mutating func next() -> [Int]? {
    guard !hasFailed, inFlight < pace.batches, let first = waiting.first else { return nil }
    // A few that were refused wait for others, or are sent individually.
    if attempts[first] > 0, waiting.count < pace.minimumSize { return nil }
    let positions = Array(waiting.prefix(pace.size))
    waiting.removeFirst(positions.count)
    for position in positions { attempts[position] += 1 }
    inFlight += 1
    return positions
  }

  mutating func finish(_ positions: [Int], _ answers: [BatchAnswer]) {
    inFlight -= 1
    let refused = zip(positions, answers).filter { $1.isRefusedByRate }.map(\.0)
    let isSmallest = positions.count <= pace.minimumSize
    if answers.allSatisfy({ $0.settled == nil }), refused.isEmpty || isSmallest { hasFailed = true }
    pace.record(answers)
    waiting.insert(
      contentsOf: refused.filter { attempts[$0] < Self.maximumAttempts }, at: 0)
  }
}
