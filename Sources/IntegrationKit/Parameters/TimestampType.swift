import Basics
import JSON

/// A point in time: a text in one of the forms of `Timestamp`, or milliseconds since 1970.
public struct TimestampType: ParameterType {
  /// The form of `--datetime-format`. A kind is a value without a context, and what a caller's
  /// texts mean must not change while the process runs, so it is a setting of the process. The
  /// schema leaves it out: the catalogue is the same under every option.
  package static let additionalFormat = SetOnce<TimestampFormat>()

  public var placeholder: Timestamp { Timestamp(millisecondsSince1970: 0) }
  public var note: String? { "A time: \(Timestamp.forms)." }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> Timestamp? {
    do throws(TimestampError) {
      if let text = json.string {
        return try Timestamp(reading: text, tryingFirst: Self.additionalFormat.value)
      }
      if json.kind == .number {
        guard let milliseconds = json.integer else {
          faults.append(ParameterProblem("must be whole milliseconds since 1970, or a string"))
          return nil
        }
        return try Timestamp(checking: milliseconds)
      }
      faults.append(ParameterProblem("must be a string or an integer"))
    } catch {
      faults.append(ParameterProblem("is no time: \(error)"))
    }
    return nil
  }

  /// Says less of texts than the check does.
  public func writeSchema(to writer: inout JSONWriter) {
    writer.name("type")
    // The text first: it is what a word on a command line is taken for.
    writer.array {
      $0.string("string")
      $0.string("integer")
    }
    writer.member("minLength", 1)
    writer.member("maxLength", Timestamp.maximumCharacters)
    writer.member("minimum", Int(Timestamp.readable.lowerBound))
    writer.member("maximum", Int(Timestamp.readable.upperBound))
  }

  public func write(_ value: Timestamp, to writer: inout JSONWriter) {
    writer.string(value.rfc3339)
  }
}

extension ParameterType where Self == TimestampType {
  public static var timestamp: TimestampType { TimestampType() }
}
