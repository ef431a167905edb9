import Basics
import JSON

@testable import BitdefenderGravityZone

/// Parameters with a grammar: filters and times.
enum Parameters {
  static func filter(_ input: UnsafeBufferPointer<UInt8>) {
    let text = input.text
    var parser = FilterParser(text)
    do throws(FilterParser.SyntaxError) {
      let filters = try parser.parse()
      check((try? JSON.parse(filters.json.bytes))?.kind == .object, "the filter is not an object")
      _ = filters.directoryOnlyProblem
    } catch {
      check(
        (1...text.count + 1).contains(error.position),
        "position \(error.position) of \(text.count) characters")
      check(error.reason.count <= text.count + 200, "the reason is too long")
    }
  }

  static func time(_ input: UnsafeBufferPointer<UInt8>) {
    read(input.text, nil)
  }

  /// A format in the first line, and a time in the rest.
  static func timeFormat(_ input: UnsafeBufferPointer<UInt8>) {
    let (head, rest) = input.headAndRest
    guard head.count <= 128, let format = try? TimestampFormat(head.text) else { return }
    read(rest.text, format)
  }

  private static func read(_ text: String, _ format: TimestampFormat?) {
    do throws(TimestampError) {
      let time = try Timestamp(reading: text, tryingFirst: format)
      check(Timestamp.readable.contains(time.millisecondsSince1970), "the time is out of range")
      let again = try? Timestamp(reading: time.rfc3339)
      check(again == time, "\(time.rfc3339) is another time")
    } catch {
      check(error.position.map { $0 >= 1 } ?? true, "position \(error)")
      check(error.description.count <= 1_000, "the error is too long")
    }
  }
}
