import Glibc

/// Finds the lines of a large ledger that count: the last line of each key.
///
/// A ledger has two lines per key, and most of its keys are older than what the memory keeps. Only the place of
/// a line is noted; `LedgerRecord` reads those that are left. Takes 80 bytes of memory per key.
struct LedgerScan: ~Copyable {
  enum Kind: UInt8 {
    case started, finished, notApplied
  }

  /// Where a line is in the file.
  struct Place {
    let offset: Int
    let count: Int
  }

  private struct Slot {
    /// The first half of the digest; both are 0 for a free slot.
    var high: UInt64 = 0
    var low: UInt64 = 0
    var offset = 0
    var count: UInt32 = 0
    var kind = Kind.started
  }

  private var slots: [Slot]
  private var used = 0
  /// Lines that finish a key, in order, as positions in `slots` at that time and offsets.
  private var finished: [(key: (UInt64, UInt64), offset: Int)] = []

  init() { slots = Array(repeating: Slot(), count: 1 << 12) }

  // MARK: Adding

  enum Outcome {
    case added
    /// The line is no record.
    case invalid
    /// The key is no digest: the file must be read line by line.
    case unsupported
  }

  /// Notes a line without its end.
  mutating func add(_ line: UnsafeRawBufferPointer, at offset: Int) -> Outcome {
    if let kind = Self.kind(of: line), let key = Self.key(in: line.dropFirst(Self.keyBytes)) {
      add(key, kind, Place(offset: offset, count: line.count))
      return .added
    }
    guard let record = LedgerRecord(line: line) else { return .invalid }
    let kind: Kind =
      switch record.end {
      case .started: .started
      case .done, .unknown: .finished
      case .notApplied: .notApplied
      }
    let name = Array(record.name.utf8)
    guard let key = name.withUnsafeBytes({ Self.key(in: $0[...]) }) else { return .unsupported }
    add(key, kind, Place(offset: offset, count: line.count))
    return .added
  }

  private mutating func add(_ key: (UInt64, UInt64), _ kind: Kind, _ place: Place) {
    let position = position(of: key)
    if slots[position].high == 0, slots[position].low == 0 { used += 1 }
    slots[position] = Slot(
      high: key.0, low: key.1, offset: place.offset,
      count: UInt32(truncatingIfNeeded: place.count), kind: kind)
    if kind == .finished { finished.append((key, place.offset)) }
    if 2 * used > slots.count { grow() }
  }

  private func position(of key: (UInt64, UInt64)) -> Int {
    let mask = slots.count - 1
    // Digests are random in every part.
    var position = Int(truncatingIfNeeded: key.0 ^ key.1 &* 0x9E37_79B9_7F4A_7C15) & mask
    while true {
      let slot = slots[position]
      if (slot.high, slot.low) == key || (slot.high == 0 && slot.low == 0) { return position }
      position = (position + 1) & mask
    }
  }

  private mutating func grow() {
    let old = slots
    slots = Array(repeating: Slot(), count: 2 * old.count)
    for slot in old where slot.high != 0 || slot.low != 0 {
      slots[position(of: (slot.high, slot.low))] = slot
    }
  }

  // MARK: Lines

  private static let digestDigits = 64
  private static let keyStart: StaticString = "{\"key\":\""
  private static let callStart: StaticString = "\",\"call\":\""
  private static let timeStart: StaticString = "\",\"time\":"
  private static let endStart: StaticString = ",\"end\":\""

  private static func kind(of line: UnsafeRawBufferPointer) -> Kind? {
    let call = keyStart.utf8CodeUnitCount + digestDigits
    let time = call + callStart.utf8CodeUnitCount + digestDigits
    var at = time + timeStart.utf8CodeUnitCount
    guard line.count > at + 32, has(keyStart, line, at: 0), has(callStart, line, at: call),
      has(timeStart, line, at: time), line[line.count - 1] == UInt8(ascii: "}")
    else { return nil }
    let digits = at
    while (0x30...0x39).contains(line[at]), at - digits < 16 { at += 1 }
    guard at > digits, at - digits < 16, has(endStart, line, at: at) else { return nil }
    at += endStart.utf8CodeUnitCount
    if has("done\",\"result\":", line, at: at) { return .finished }
    if has("started\"}", line, at: at) { return .started }
    if has("unknown\"}", line, at: at) { return .finished }
    return has("not_applied\"}", line, at: at) ? .notApplied : nil
  }

  private static func has(
    _ text: StaticString, _ line: UnsafeRawBufferPointer, at offset: Int
  ) -> Bool {
    guard line.count - offset >= text.utf8CodeUnitCount, let base = line.baseAddress else {
      return false
    }
    return memcmp(base + offset, text.utf8Start, text.utf8CodeUnitCount) == 0
  }

  private static let keyBytes = keyStart.utf8CodeUnitCount

  /// The first 32 digits of a digest.
  ///
  /// - Returns: nil if they are not lower-case hexadecimal digits, or all zeros.
  private static func key(in digits: Slice<UnsafeRawBufferPointer>) -> (UInt64, UInt64)? {
    guard digits.count >= 32 else { return nil }
    var halves: (UInt64, UInt64) = (0, 0)
    for position in 0..<32 {
      let byte = digits[digits.startIndex + position]
      let digit: UInt8
      switch byte {
      case 0x30...0x39: digit = byte - 0x30
      case 0x61...0x66: digit = byte - 0x61 + 10
      default: return nil
      }
      if position < 16 {
        halves.0 = halves.0 << 4 | UInt64(digit)
      } else {
        halves.1 = halves.1 << 4 | UInt64(digit)
      }
    }
    return halves == (0, 0) ? nil : halves
  }

  // MARK: Result

  /// The last line of each key that is not known to have ended without effect, in the order of the file: all
  /// that were started only, and the newest finished ones.
  consuming func places(newestFinished: Int) -> [Place] {
    var places: [Place] = []
    for slot in slots where slot.kind == .started && (slot.high != 0 || slot.low != 0) {
      places.append(Place(offset: slot.offset, count: Int(slot.count)))
    }
    var kept = 0
    for line in finished.reversed() {
      guard kept < newestFinished else { break }
      let slot = slots[position(of: line.key)]
      // Otherwise the key has a later line.
      guard slot.offset == line.offset else { continue }
      places.append(Place(offset: slot.offset, count: Int(slot.count)))
      kept += 1
    }
    return places.sorted { $0.offset < $1.offset }
  }
}
