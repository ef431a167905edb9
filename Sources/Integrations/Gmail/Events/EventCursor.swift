import Basics
import IntegrationKit
import JSON

/// The position in the mail of a mailbox up to which mail was fetched: a time, and the IDs of
/// fetched mail after it.
///
/// A time alone would repeat or miss mail received within one millisecond, and mail that appears in
/// the mailbox late. The time is therefore earlier than the newest mail, and the cursor keeps the
/// IDs of all mail fetched since then. Calls that find nothing do not advance it, because mail may
/// still arrive late. Mail with a future time does not advance it beyond the present.
///
/// A cursor is valid for one mailbox and one search condition. With another condition, mail before
/// its time would be missed.
///
/// Mail whose time is unknown, because it cannot be read, is counted in `attempts`.
struct EventCursor: Sendable {
  /// Mail that arrives late is found if it is at most this much older than the newest mail.
  static let lookBackMilliseconds: Int64 = 600_000
  /// With more IDs than this, the look-back period is shortened. IDs of the newest millisecond are
  /// always kept.
  static let maximumIDs = 500
  /// IDs of mail with a future time. With more of them, the time advances into the future to limit
  /// the size of the cursor.
  static let maximumFutureIDs = 50_000
  static let maximumCharacters = 4 * 1_024 * 1_024

  private let user: String
  private let condition: ConditionDigest
  /// All mail before this time was fetched. Milliseconds since 1970.
  private(set) var from: Int64
  private var fetched: [(id: String, milliseconds: Int64)] = []
  /// Of mail that could not be read.
  var attempts = ReadAttempts()

  init(of user: String, _ condition: ConditionDigest, from: Int64) {
    self.user = user.lowercased()
    self.condition = condition
    self.from = from
  }

  var idCount: Int { fetched.count }

  var known: Set<String> { Set(fetched.map(\.id)).union(attempts.exhausted) }

  func belongs(to user: String) -> Bool { self.user == user.lowercased() }
  func belongs(to condition: ConditionDigest) -> Bool { self.condition == condition }

  /// - Parameters:
  ///   - mails: the mail fetched by this call, oldest first.
  ///   - hasMore: whether mail was not fetched, none of it older than the last of `mails`.
  ///   - keepsTime: whether mail of unknown age was not fetched. Only IDs are then added.
  ///   - now: milliseconds since 1970.
  mutating func advance(
    past mails: [(id: String, milliseconds: Int64)], hasMore: Bool, keepsTime: Bool, now: Int64
  ) {
    guard let last = mails.last else { return }
    fetched += mails
    guard !keepsTime else { return }
    fetched.sort { $0.milliseconds > $1.milliseconds }
    // Mail that arrives before a future time must still be found.
    var newest = min(fetched[0].milliseconds, max(from, now))
    if fetched.count > Self.maximumFutureIDs {
      newest = max(newest, fetched[Self.maximumFutureIDs].milliseconds)
    }
    var floor = max(from, newest - Self.lookBackMilliseconds)
    let futureCount = fetched.prefix { $0.milliseconds > newest }.count
    if fetched.count - futureCount > Self.maximumIDs {
      floor = max(floor, min(newest, fetched[futureCount + Self.maximumIDs].milliseconds + 1))
    }
    if hasMore { floor = min(floor, max(from, last.milliseconds)) }
    from = max(from, floor)
    fetched.removeAll { $0.milliseconds < from }
  }

  // MARK: Encoding

  private static let version: Int64 = 2

  var text: String {
    let json = JSONFragment { writer in
      writer.object { writer in
        writer.member("v", Int(Self.version))
        writer.member("user", user)
        writer.member("condition", condition.text)
        writer.member("from", Int(from))
        writer.name("fetched")
        writer.array { writer in
          for mail in fetched {
            writer.string(mail.id)
            writer.integer(mail.milliseconds - from)
          }
        }
        if !attempts.counts.isEmpty {
          writer.name("failed")
          attempts.write(to: &writer)
        }
      }
    }
    return Base64.encode(json.bytes, alphabet: .urlSafe, padded: false)
  }

  /// Decodes a cursor. Nil if it is invalid.
  init?(_ text: String) {
    guard text.utf8.count <= Self.maximumCharacters,
      let bytes = Self.decoded(text), let json = try? JSON.parse(bytes),
      json["v"]?.integer == Self.version, let user = json["user"]?.string,
      let condition = json["condition"]?.string, let from = json["from"]?.integer,
      Self.times.contains(from),
      let list = json["fetched"], list.kind == .array, list.count.isMultiple(of: 2)
    else { return nil }
    self.init(of: user, ConditionDigest(text: condition), from: from)
    var id: String?
    for element in list.elements {
      if let known = id {
        guard let offset = element.integer, Self.times.contains(offset) else { return nil }
        fetched.append((known, from + offset))
        id = nil
      } else {
        guard let text = element.string else { return nil }
        id = text
      }
    }
    if let failed = json["failed"] {
      guard let attempts = ReadAttempts(failed) else { return nil }
      self.attempts = attempts
    }
  }

  private static func decoded(_ text: String) -> [UInt8]? {
    let text = Array(text.utf8)
    return text.withUnsafeBufferPointer { try? Base64.decode($0, alphabet: .urlSafe) }
  }

  /// The years 1970 to 9999, the range of time arguments.
  private static let times: ClosedRange<Int64> = 0...253_402_300_799_999
}

/// A digest that distinguishes search conditions: FNV-1a, 64 bits.
struct ConditionDigest: Sendable, Equatable {
  let text: String

  fileprivate init(text: String) { self.text = text }

  /// - Parameter condition: nil or blank for all mail. Surrounding white space is ignored.
  init(_ condition: String?) {
    let trimmed = (condition ?? "").drop(while: \.isWhitespace).reversed()
      .drop(while: \.isWhitespace).reversed()
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in String(trimmed).utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    text = String(hash, radix: 16)
  }
}

/// A cursor in its encoded form.
struct EventCursorType: ParameterType {
  var placeholder: EventCursor { EventCursor(of: "", ConditionDigest(nil), from: 0) }

  func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> EventCursor? {
    guard let text = json.string else {
      faults.append(ParameterProblem("must be a string"))
      return nil
    }
    guard let cursor = EventCursor(text) else {
      faults.append(ParameterProblem("invalid cursor; use the cursor of an earlier response"))
      return nil
    }
    return cursor
  }

  func writeSchema(to writer: inout JSONWriter) {
    writer.member("type", "string")
    writer.member("maxLength", EventCursor.maximumCharacters)
  }

  func write(_ value: EventCursor, to writer: inout JSONWriter) { writer.string(value.text) }
}

extension ParameterType where Self == EventCursorType {
  static var eventCursor: EventCursorType { EventCursorType() }
}
