import Basics
import JSON
import Testing

@testable import IntegrationKit

@Suite struct TimestampTypeTests {
  private let type: TimestampType = .timestamp
  private let schema = JSONFragment { writer in
    writer.object { TimestampType.timestamp.writeSchema(to: &$0) }
  }.json

  private func decode(_ text: String) throws -> (Timestamp?, [String]) {
    var faults: [ParameterProblem] = []
    let value = type.decode(try JSON.parse(text), members: nil, faults: &faults)
    return (value, faults.map(\.message))
  }

  @Test(arguments: [
    #""2022-05-19T02:00:00Z""#, #""2022-05-19 02:00""#, #""05/19/2022 02:00 AM""#,
    #""2022\u002d05-19T04:00:00+02:00""#, #""1652925600000""#, "1652925600000",
    "1652925600000.0", "16529256e5",
  ])
  func `a string or a number is a time`(text: String) throws {
    let (value, faults) = try decode(text)
    #expect(value?.millisecondsSince1970 == 1_652_925_600_000 && faults.isEmpty)
    #expect(SchemaEvaluator.accepts(schema, try JSON.parse(text)))
  }

  @Test(arguments: [
    ("true", "must be a string or an integer"), ("[]", "must be a string or an integer"),
    (#"{"$date":1}"#, "must be a string or an integer"),
    ("1.5", "must be an integer (milliseconds since 1970) or a string"),
    ("1e400", "must be an integer (milliseconds since 1970) or a string"),
    ("-1", "invalid time: outside the years 1970 to 9999; expected \(Timestamp.forms)"),
    (
      "253402300800000",
      "invalid time: outside the years 1970 to 9999; expected \(Timestamp.forms)"
    ),
    (
      "1652925600",
      "invalid time: 10 digits; epoch milliseconds have 12 to 15, seconds are not accepted; "
        + "expected \(Timestamp.forms)"
    ),
    (#""""#, "invalid time: empty; expected \(Timestamp.forms)"),
  ])
  func `other JSON is rejected, also by the schema`(text: String, message: String) throws {
    let (value, faults) = try decode(text)
    #expect(value == nil && faults == [message])
    #expect(!SchemaEvaluator.accepts(schema, try JSON.parse(text)))
  }

  @Test func `invalid strings are rejected only by the validation`() throws {
    let (value, faults) = try decode(#""2022-02-30""#)
    #expect(
      value == nil
        && faults == [
          "invalid time: day 30 is out of range; expected 1 to 28 in this month (character 9); "
            + "expected \(Timestamp.forms)"
        ])
  }

  @Test func `a time parameter describes the accepted forms and shows RFC 3339`() throws {
    let shape = ParameterShape { parameters in
      _ = parameters.optional(
        "Start Date", .timestamp, "The earliest.",
        examples: [Timestamp(millisecondsSince1970: 1_652_925_600_000)])
    }
    let schema = JSONFragment { shape.writeSchema(to: &$0) }.json
    let property = try #require(schema["properties"]?["start_date"])
    #expect(property["examples"]?[0]?.string == "2022-05-19T02:00:00Z")
    #expect(property["description"]?.string == "The earliest. A time: \(Timestamp.forms).")
    #expect(shape.summaries.first?.values == "string or integer")
    // A command-line argument is a string: 2022 must not become two seconds after 1970.
    #expect(shape.value(of: "start_date", from: ["2022"])?.text == #""2022""#)
  }
}
