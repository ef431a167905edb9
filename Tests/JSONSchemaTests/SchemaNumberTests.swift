import Basics
import JSON
import JSONSchema
import Testing

/// Numbers are compared and divided exactly.
struct SchemaNumberTests {
  private func accepts(_ schema: String, _ value: String) throws -> Bool {
    try JSONSchema(try JSON.parse(schema)).faults(of: try JSON.parse(value)).isEmpty
  }

  @Test(arguments: [
    ("0.01", "4.02", true), ("0.01", "4.021", false), ("0.1", "0.3", true), ("3", "9e0", true),
    ("3", "10", false), ("3", "-9", true), ("2", "1e400", true), ("3", "1e400", false),
    ("7", "1e-1", false), ("1e-20", "1", true), ("1e300", "1e300", true), ("1e300", "5e299", false),
    ("0.5", "12345678901234567890.5", true), ("0.5", "12345678901234567890.25", false),
    ("9", "111111111111111111111111111", true), ("9", "111111111111111111111111112", false),
    ("999999999999999999", "999999999999999998000000000000000001", true), ("1.5", "0", true),
    ("1.5", "-0.0", true), ("1", "1e99999999999999999999", true),
    ("1", "1e-99999999999999999999", false), ("5", "-9223372036854775808", false),
    ("2", "-9223372036854775808", true),
  ])
  func `a multiple is exact`(divisor: String, value: String, isMultiple: Bool) throws {
    #expect(try accepts(#"{"multipleOf":\#(divisor)}"#, value) == isMultiple)
  }

  @Test(arguments: [
    ("1", "1.0", 0), ("1", "1.0000000000000000000001", -1), ("0", "-0.0", 0), ("0.1", "1e-1", 0),
    ("9223372036854775807", "9223372036854775808", -1), ("9007199254740993", "9007199254740992", 1),
    ("-1", "1", -1), ("-10", "-9.99", -1), ("1e400", "1e401", -1), ("-1e400", "-1e401", 1),
    ("100", "1e2", 0), ("1e-400", "0", 1), ("123", "12.9e1", -1), ("0", "1e-9", -1),
  ])
  func `bounds and equality are exact`(one: String, other: String, order: Int) throws {
    #expect(try accepts(#"{"minimum":\#(one)}"#, other) == (order <= 0))
    #expect(try accepts(#"{"maximum":\#(one)}"#, other) == (order >= 0))
    #expect(try accepts(#"{"exclusiveMinimum":\#(one)}"#, other) == (order < 0))
    #expect(try accepts(#"{"exclusiveMaximum":\#(one)}"#, other) == (order > 0))
    #expect(try accepts(#"{"const":\#(one)}"#, other) == (order == 0))
    #expect(try accepts(#"{"enum":[[\#(one)]]}"#, "[\(other)]") == (order == 0))
    #expect(try accepts(#"{"uniqueItems":true}"#, "[\(one),\(other)]") == (order != 0))
  }
}
