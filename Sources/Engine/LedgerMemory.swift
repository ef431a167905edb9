import JSON

/// The keys of the idempotency ledger, and the budget that they have. A plain value: no lock, no
/// file, no clock.
///
/// Finished keys make room for newer ones, the oldest first. A key that was started and has no
/// known end is kept for the whole retention: to forget it would let its command run twice. Each
/// operation takes constant time, amortised.
struct LedgerMemory: Sendable {
  struct Budget: Sendable {
    /// Finished keys.
    var keys = 10_000
    /// Bytes of their results.
    var bytes = 64 * 1_024 * 1_024
    /// Keys without a known end, before a new one is refused.
    var unfinishedKeys = 100_000
    /// Milliseconds that a key is remembered: a week.
    var retentionMilliseconds: Int64 = 7 * 86_400_000
  }

  enum Status: Sendable {
    /// By this process or another one, which may have ended without a record.
    case started
    case done(LedgerResult)
    case unknown
  }

  struct Entry: Sendable {
    var call: String
    var status: Status
    /// Milliseconds since 1970, of the last record.
    var time: Int64
    /// Names this state of the key in `finished`.
    fileprivate var sequence: UInt64

    fileprivate var isFinished: Bool {
      if case .started = status { return false }
      return true
    }

    fileprivate var resultBytes: Int {
      if case .done(let result) = status { return result.count }
      return 0
    }
  }

  private let budget: Budget
  private var entries: [String: Entry] = [:]
  /// Finished keys, oldest first, from `firstFinished` on. One whose entry has another sequence
  /// number has changed since, and is skipped.
  private var finished: [(name: String, sequence: UInt64)] = []
  private var firstFinished = 0
  private var finishedCount = 0
  private var resultBytes = 0
  private var sequence: UInt64 = 0

  init(_ budget: Budget = Budget()) { self.budget = budget }

  var count: Int { entries.count }
  var maximumFinishedKeys: Int { budget.keys }

  /// Whether no further key can be started. None can be forgotten for it.
  var isFull: Bool { entries.count - finishedCount >= budget.unfinishedKeys }

  /// Bytes of a file that holds these keys and nothing else, about.
  var fileBytes: Int { entries.count * LedgerRecord.lineBytes + resultBytes }

  /// - Returns: nil for a key that is unknown or was forgotten.
  func entry(_ name: String, now: Int64) -> Entry? {
    entries[name].flatMap { isExpired($0.time, now) ? nil : $0 }
  }

  /// Times are below `LedgerRecord.latestTime`, so that the difference cannot overflow. A record of
  /// the future has not expired: the clock was, or is, wrong.
  private func isExpired(_ time: Int64, _ now: Int64) -> Bool {
    now - time >= budget.retentionMilliseconds
  }

  /// - Parameter now: milliseconds since 1970. A record that has expired makes its key free, and
  ///   takes no room from others.
  mutating func apply(_ record: LedgerRecord, now: Int64) {
    if isExpired(record.time, now) { return remove(record.name) }
    switch record.end {
    case .started: set(record, .started)
    case .done(let result): set(record, .done(result))
    case .unknown: set(record, .unknown)
    case .notApplied: remove(record.name)
    }
    makeRoom()
  }

  private mutating func set(_ record: LedgerRecord, _ status: Status) {
    remove(record.name)
    sequence += 1
    let entry = Entry(call: record.call, status: status, time: record.time, sequence: sequence)
    entries[record.name] = entry
    guard entry.isFinished else { return }
    finished.append((record.name, sequence))
    finishedCount += 1
    resultBytes += entry.resultBytes
  }

  private mutating func remove(_ name: String) {
    guard let old = entries.removeValue(forKey: name), old.isFinished else { return }
    finishedCount -= 1
    resultBytes -= old.resultBytes
  }

  private mutating func makeRoom() {
    while finishedCount > budget.keys || resultBytes > budget.bytes {
      let oldest = finished[firstFinished]
      firstFinished += 1
      if entries[oldest.name]?.sequence == oldest.sequence { remove(oldest.name) }
    }
    if finished.count > 2 * finishedCount + 64 {
      finished = finished[firstFinished...].filter { entries[$0.name]?.sequence == $0.sequence }
      firstFinished = 0
    }
  }

  /// Forgets the keys without a known end, before the file is read that replaced the one they were
  /// read from: those that are not in it have ended without effect.
  mutating func removeStarted() { entries = entries.filter { $0.value.isFinished } }

  mutating func removeExpired(now: Int64) {
    for (name, entry) in entries where isExpired(entry.time, now) { remove(name) }
  }

  /// A record for each key, in the order in which they are forgotten.
  var records: [LedgerRecord] {
    entries.sorted { $0.value.sequence < $1.value.sequence }.map { name, entry in
      let end: LedgerRecord.End =
        switch entry.status {
        case .started: .started
        case .done(let result): .done(result)
        case .unknown: .unknown
        }
      return LedgerRecord(name: name, call: entry.call, time: entry.time, end: end)
    }
  }
}
