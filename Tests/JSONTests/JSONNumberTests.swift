import Testing

@testable import JSON

@Suite struct JSONNumberTests {
  @Test(arguments: [
    ("0", 0), ("-0", 0), ("7", 7), ("-7", -7),
    ("9223372036854775807", Int64.max), ("9223372036854775808", nil),
    ("-9223372036854775808", .min), ("-9223372036854775809", nil),
    ("18446744073709551617", nil), ("99999999999999999999999999", nil),
    // Integer value despite a fraction or an exponent.
    ("1.0", 1), ("-1.00", -1), ("1e2", 100), ("1E+2", 100), ("100e-2", 1), ("-0.0e9", 0),
    ("1.5e1", 15), ("0.001e3", 1), ("12.50e1", 125), ("1e18", 1_000_000_000_000_000_000),
    ("1e19", nil), ("922337203685477580.7e1", .max), ("922337203685477580.8e1", nil),
    ("-922337203685477580.8e1", .min), ("9223372036854775807.000", .max),
    ("0e999999999999999999999", 0), ("0.000e-5", 0),
    // Beyond the precision of a double.
    ("9007199254740993.0", 9_007_199_254_740_993), ("9007199254740992.5", nil),
    ("0.99999999999999999999", nil), ("1.00000000000000000001", nil), ("1e-400", nil),
    // Not an integer.
    ("1.5", nil), ("-0.1", nil), ("1e-1", nil), ("15e-1", nil), ("1e400", nil),
    ("1e99999999999999999999", nil), ("1e-99999999999999999999", nil),
  ])
  func `an integer of at most 64 bits is exact`(text: String, value: Int64?) throws {
    #expect(try JSON.parse(text).integer == value)
    #expect(try JSON.parse("[ \(text) ]")[0]?.integer == value)
  }

  @Test(arguments: [
    ("0", 0), ("1.50", 1.5), ("-2.5e-3", -0.0025), ("1e400", Double.infinity),
    ("-1e400", -.infinity), ("1e-400", 0), ("0.1", 0.1), ("1E+2", 100),
    ("2.2250738585072014e-308", .leastNormalMagnitude),
    ("9007199254740993", 9_007_199_254_740_992), ("5e-324", .leastNonzeroMagnitude),
    ("1.7976931348623157e308", .greatestFiniteMagnitude),
  ])
  func `a double is the nearest one`(text: String, value: Double) throws {
    #expect(try JSON.parse(text).double == value)
  }

  @Test func `minus zero is preserved`() throws {
    #expect(try JSON.parse("-0").double?.sign == .minus)
  }

  @Test(arguments: [
    "1.50", "18446744073709551617", "-0", "1E+2", "0.1000000000000000055511151231257827",
    "123456789012345678901234567890.5e-30",
  ])
  func `a number keeps its source text`(text: String) throws {
    let json = try JSON.parse("[\(text) , 1]")
    #expect(json[0]?.sourceText == text)
    #expect(json[0].map { JSONFragment($0).text } == text)
  }
}
