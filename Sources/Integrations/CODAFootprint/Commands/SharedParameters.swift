import IntegrationKit

/// Parameters that several commands share.
extension ParamReader {
  mutating func tenant() -> Int64? {
    optional(
      "Footprint Tenant ID", .identifier,
      "The tenant. Default: the tenant that the user signed in to.",
      from: [
        ParameterSource("list_tenants", "$[*].id"),
        ParameterSource("list_tenants", "$.items[*].id"),
      ], examples: [1])
  }

  mutating func device() -> Int64 {
    required(
      "Device ID", .identifier, "The device.",
      from: [ParameterSource("list_devices", "$.items[*].id")], examples: [1043])
  }

  mutating func page() -> Int64? {
    optional(
      "Page", .page, "The page number, from 1. Default: 1.", examples: [1])
  }
}
