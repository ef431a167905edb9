/// Finds the lines of a large ledger that count: the last line of each key that is remembered.
///
/// A ledger has two lines per key, and most of its keys are older than what the memory keeps. Only the place of
/// a line is noted; `LedgerRecord` reads those that are left. Like `LedgerMemory`, it forgets the oldest
/// finished keys, so that its memory does not depend on the size of the file.
struct LedgerScan: ~Copyable {
  enum Kind: UInt8 {
    case started, finished, notApplied
  }

  /// Where a line is in the file.
  struct Place {
    let offset: Int
    let count: Int
  }

  enum Outcome {
    case added
    /// The line is no record.
    case invalid
    /// The key is no digest: the file must be read line by line.
    case unsupported
  }

  private let newestFinished: Int
  private var lines = LineTable()
  /// Lines that finish a key, oldest first, from `firstFinished` on. The key of one that is not the key's last
  /// line has changed since.
  private var finished: [(key: Key, offset: Int)] = []
  private var firstFinished = 0
  private var finishedCount = 0

  /// The first half of a digest.
  struct Key: Equatable {
    let high: UInt64
    let low: UInt64

    fileprivate init(high: UInt64, low: UInt64) { (self.high, self.low) = (high, low) }

    /// - Returns: nil unless it begins with 32 lower-case hexadecimal digits that are not all zeros.
    fileprivate init?(_ name: LedgerLine.Text) {
      guard name.count >= 32 else { return nil }
      var (high, low): (UInt64, UInt64) = (0, 0)
      for (position, byte) in name.prefix(32).enumerated() {
        let digit: UInt8
        switch byte {
        case 0x30...0x39: digit = byte - 0x30
        case 0x61...0x66: digit = byte - 0x61 + 10
        default: return nil
        }
        if position < 16 {
          high = high << 4 | UInt64(digit)
        } else {
          low = low << 4 | UInt64(digit)
        }
      }
      guard high != 0 || low != 0 else { return nil }
      self.init(high: high, low: low)
    }
  }

  /// - Parameter newestFinished: how many finished keys are remembered.
  init(newestFinished: Int) { self.newestFinished = newestFinished }

  // MARK: Adding

  /// Notes a line without its end.
  mutating func add(_ line: UnsafeRawBufferPointer, at offset: Int) -> Outcome {
    let (key, kind): (Key?, Kind)
    if let parts = LedgerLine(line) {
      key = Key(parts.name)
      kind =
        switch parts.end {
        case .started: .started
        case .done, .unknown: .finished
        case .notApplied: .notApplied
        }
    } else {
      // A line of another layout.
      guard let record = LedgerRecord(line: line) else { return .invalid }
      key = Array(record.name.utf8).withUnsafeBytes { Key($0[...]) }
      kind =
        switch record.end {
        case .started: .started
        case .done, .unknown: .finished
        case .notApplied: .notApplied
        }
    }
    guard let key else { return .unsupported }
    add(key, kind, Place(offset: offset, count: line.count))
    return .added
  }

  private mutating func add(_ key: Key, _ kind: Kind, _ place: Place) {
    guard kind != .notApplied else {
      if lines.remove(key) == .finished { finishedCount -= 1 }
      return
    }
    if lines.set(key, kind, place) == .finished { finishedCount -= 1 }
    guard kind == .finished else { return }
    finished.append((key, place.offset))
    finishedCount += 1
    while finishedCount > newestFinished {
      let oldest = finished[firstFinished]
      firstFinished += 1
      if lines.offset(of: oldest.key) == oldest.offset {
        _ = lines.remove(oldest.key)
        finishedCount -= 1
      }
    }
    // At most every second line is out of date.
    if firstFinished > 4_096, 2 * firstFinished > finished.count {
      finished.removeFirst(firstFinished)
      firstFinished = 0
    }
  }

  // MARK: Result

  /// The lines that count, in the order of the file.
  consuming func places() -> [Place] { lines.places.sorted { $0.offset < $1.offset } }
}

/// The last line of each key: a hash table with linear probing.
private struct LineTable {
  private struct Slot {
    /// Both halves are 0 for a free slot.
    var key = LedgerScan.Key(high: 0, low: 0)
    var place = LedgerScan.Place(offset: 0, count: 0)
    var kind = LedgerScan.Kind.started

    var isFree: Bool { key.high == 0 && key.low == 0 }
  }

  private var slots = Array(repeating: Slot(), count: 1 << 10)
  private var used = 0

  private var mask: Int { slots.count - 1 }

  /// Digests are random in every part.
  private func home(of key: LedgerScan.Key) -> Int { Int(truncatingIfNeeded: key.low) & mask }

  /// The slot of a key, or the free one where it belongs.
  private func position(of key: LedgerScan.Key) -> Int {
    var position = home(of: key)
    while !slots[position].isFree, slots[position].key != key { position = (position + 1) & mask }
    return position
  }

  /// Nil for an unknown key.
  func offset(of key: LedgerScan.Key) -> Int? {
    let slot = slots[position(of: key)]
    return slot.isFree ? nil : slot.place.offset
  }

  /// - Returns: the kind of the former line of the key, or nil.
  mutating func set(
    _ key: LedgerScan.Key, _ kind: LedgerScan.Kind, _ place: LedgerScan.Place
  ) -> LedgerScan.Kind? {
    let position = position(of: key)
    let old = slots[position]
    slots[position] = Slot(key: key, place: place, kind: kind)
    guard old.isFree else { return old.kind }
    used += 1
    if 2 * used > slots.count { grow() }
    return nil
  }

  /// - Returns: the kind of the line that the key had, or nil.
  mutating func remove(_ key: LedgerScan.Key) -> LedgerScan.Kind? {
    var free = position(of: key)
    let old = slots[free]
    guard !old.isFree else { return nil }
    used -= 1
    // Those behind it that would not be found any more move up.
    var next = (free + 1) & mask
    while !slots[next].isFree {
      let home = home(of: slots[next].key)
      if (next - home) & mask >= (next - free) & mask {
        slots[free] = slots[next]
        free = next
      }
      next = (next + 1) & mask
    }
    slots[free] = Slot()
    return old.kind
  }

  private mutating func grow() {
    let old = slots
    slots = Array(repeating: Slot(), count: 2 * old.count)
    for slot in old where !slot.isFree { slots[position(of: slot.key)] = slot }
  }

  var places: [LedgerScan.Place] { slots.filter { !$0.isFree }.map(\.place) }
}
