import Basics
import HTTP

@testable import Gmail

/// What Gmail sends, and the cursor that callers send back.
enum Vendors {
  /// The header Content-Type in the first line, and the body of a batch in the rest.
  static func batch(_ input: UnsafeBufferPointer<UInt8>) {
    let (head, rest) = input.headAndRest
    for type in [head.text, "multipart/mixed; boundary=b"] {
      let response = HTTPResponse(
        status: 200, headers: [("content-type", type)], body: Array(rest))
      let answers = GmailBatch.responses(in: response, count: 4)
      check(answers.count == 4, "\(answers.count) answers to 4 calls")
      let bytes = answers.reduce(0) { $0 + ($1?.body.count ?? 0) }
      check(bytes <= rest.count, "the answers have more bytes than the batch")
    }
  }

  static func cursor(_ input: UnsafeBufferPointer<UInt8>) {
    read(input.text)
    // Most texts are not Base64.
    read(Base64.encode(Array(input), alphabet: .urlSafe, padded: false))
  }

  private static func read(_ text: String) {
    guard var cursor = EventCursor(text) else { return }
    guard let again = EventCursor(cursor.text) else { fatalError("a written cursor is invalid") }
    check(again.text == cursor.text, "a cursor changes when it is written again")
    let from = cursor.from
    cursor.advance(
      past: [("new", from + 1), ("newer", from + 700_000)], hasMore: false, keepsTime: false,
      now: from + 800_000)
    check(cursor.from >= from, "a cursor goes back")
    _ = (cursor.known, cursor.text, cursor.belongs(to: "a"))
  }
}
