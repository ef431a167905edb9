import Basics
import IntegrationKit
import JSON

/// Up to where the mail of a mailbox has been fetched: a time, and the mails behind it.
///
/// A time alone would repeat or miss mail that comes within one millisecond, and mail that the
/// mailbox shows later than its time. So the time lies somewhat before the newest mail, and the ids
/// of all that was fetched since then are kept. It is not moved by mere calls: what has not been
/// found yet may still come. Nor does mail that bears a time to come move it beyond the present.
///
/// It is of one mailbox and one search condition: with another one, mail from before its time would
/// be passed over.
struct EventCursor: Sendable {
  /// Milliseconds before the newest mail in which mail that comes late is still found.
  static let lookBackMilliseconds: Int64 = 600_000
  /// Ids beyond which it looks back less far. Those of the newest millisecond are always kept.
  static let maximumIDs = 500
  /// Ids of mail with a time to come; with more of them it moves into that time, since the text has
  /// an end.
  static let maximumFutureIDs = 50_000
  /// Characters of a cursor that is taken.
  static let maximumCharacters = 4 * 1_024 * 1_024

  private let user: String
  private let condition: ConditionDigest
  /// Everything before it was fetched; milliseconds since 1970.
  private(set) var from: Int64
  private var fetched: [(id: String, milliseconds: Int64)] = []

  init(of user: String, _ condition: ConditionDigest, from: Int64) {
    self.user = user.lowercased()
    self.condition = condition
    self.from = from
  }

  var known: Set<String> { Set(fetched.map(\.id)) }

  func isOf(_ user: String) -> Bool { self.user == user.lowercased() }
  func isOf(_ condition: ConditionDigest) -> Bool { self.condition == condition }

  /// - Parameters:
  ///   - mails: what was fetched now, the oldest first.
  ///   - hasMore: whether some was not, none of it older than the last of `mails`.
  ///   - isHeld: whether some was not of which it is not known how old it is: only the ids are kept.
  ///   - now: milliseconds since 1970.
  mutating func advance(
    past mails: [(id: String, milliseconds: Int64)], hasMore: Bool, isHeld: Bool, now: Int64
  ) {
    guard let last = mails.last else { return }
    fetched += mails
    guard !isHeld else { return }
    fetched.sort { $0.milliseconds > $1.milliseconds }
    // Mail comes before one whose time is still to come, and must be found then.
    var newest = min(fetched[0].milliseconds, max(from, now))
    if fetched.count > Self.maximumFutureIDs {
      newest = max(newest, fetched[Self.maximumFutureIDs].milliseconds)
    }
    var floor = max(from, newest - Self.lookBackMilliseconds)
    let toCome = fetched.prefix { $0.milliseconds > newest }.count
    if fetched.count - toCome > Self.maximumIDs {
      floor = max(floor, min(newest, fetched[toCome + Self.maximumIDs].milliseconds + 1))
    }
    if hasMore { floor = min(floor, max(from, last.milliseconds)) }
    from = max(from, floor)
    fetched.removeAll { $0.milliseconds < from }
  }

  // MARK: As text

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
      }
    }
    return Base64.encode(json.bytes, alphabet: .urlSafe, padded: false)
  }

  /// Nil for what is no cursor.
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
  }

  private static func decoded(_ text: String) -> [UInt8]? {
    let text = Array(text.utf8)
    return text.withUnsafeBufferPointer { try? Base64.decode($0, alphabet: .urlSafe) }
  }

  /// Those of the years that arguments have.
  private static let times: ClosedRange<Int64> = 0...253_402_300_799_999
}

/// Tells search conditions apart without repeating them: FNV-1a, 64 bits.
struct ConditionDigest: Sendable, Equatable {
  let text: String

  fileprivate init(text: String) { self.text = text }

  /// - Parameter condition: nil or blank for all mail; the space around it counts for nothing.
  init(_ condition: String?) {
    let trimmed = (condition ?? "").drop(while: \.isWhitespace).reversed()
      .drop(while: \.isWhitespace).reversed()
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in String(trimmed).utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    text = String(hash, radix: 16)
  }
}

/// A cursor as its text.
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
      faults.append(ParameterProblem("is no cursor of an earlier answer"))
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
