import Basics
import JSON
import RateLimits
import Testing

@testable import IntegrationKit

@Suite struct RateLimitSettingsTests {
  @Test func `limits are decoded per command`() throws {
    let limits = try RateLimitSettings.read(
      try JSON.parse(
        #"{"default":{"requests":10,"per_seconds":1},"list_devices":{"requests":1,"per_seconds":0.5}}"#
      ))
    #expect(
      limits == [
        "default": RateLimit(requests: 10, perSeconds: 1),
        "list_devices": RateLimit(requests: 1, perSeconds: 0.5),
      ])
    #expect(try RateLimitSettings.read(nil).isEmpty)
  }

  @Test(arguments: [
    (#"{"a/b":{"requests":0,"per_seconds":1}}"#, ["/rate_limits/a~1b/requests"]),
    (#"{"default":{"requests":1}}"#, ["/rate_limits/default/per_seconds"]),
    (#"{"default":3}"#, ["/rate_limits/default"]),
    (#"{"x":{"requests":1,"per_seconds":1e300}}"#, ["/rate_limits/x/per_seconds"]),
    (#"{"x":{"requests":1,"per_seconds":0}}"#, ["/rate_limits/x/per_seconds"]),
  ])
  func `a problem has a path`(limits: String, paths: [String]) throws {
    let error = #expect(throws: ParameterProblems.self) {
      try RateLimitSettings.read(try JSON.parse(limits))
    }
    #expect(error?.list.map(\.path) == paths)
  }
}
