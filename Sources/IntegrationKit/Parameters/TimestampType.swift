import Basics
import JSON

/// A time: a string in one of the forms of `Timestamp`, or milliseconds since 1970, with the same
/// digits as in a string: a number of seconds would be a time in 1970.
public struct TimestampType: ParameterType {
  /// The format of `--datetime-format`. It is a process-wide setting, because a parameter type has
  /// no context and the meaning of a caller's strings must not change while the process runs. The
  /// schema omits it: the catalogue is the same for every option.
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
          faults.append(
            ParameterProblem("must be an integer (milliseconds since 1970) or a string"))
          return nil
        }
        return try Timestamp(epochMilliseconds: milliseconds)
      }
      faults.append(ParameterProblem("must be a string or an integer"))
    } catch {
      faults.append(ParameterProblem("invalid time: \(error)"))
    }
    return nil
  }

  /// Looser than the validation of strings.
  public func writeSchema(to writer: inout JSONWriter) {
    writer.name("type")
    // The string first: command-line arguments are taken as the first type.
    writer.array {
      $0.string("string")
      $0.string("integer")
    }
    writer.member("minLength", 1)
    writer.member("maxLength", Timestamp.maximumCharacters)
    writer.member("minimum", Int(Timestamp.epochMilliseconds.lowerBound))
    writer.member("maximum", Int(Timestamp.epochMilliseconds.upperBound))
  }

  public func write(_ value: Timestamp, to writer: inout JSONWriter) {
    writer.string(value.rfc3339)
  }
}

extension ParameterType where Self == TimestampType {
  public static var timestamp: TimestampType { TimestampType() }
}
