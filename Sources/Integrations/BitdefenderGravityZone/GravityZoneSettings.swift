import HTTP
import IntegrationKit

/// How to reach one GravityZone Control Center.
package struct GravityZoneSettings: ParameterObject {
  package static let naming = ParameterShape.Naming.verbatim

  /// Which Control Center it is; the two differ in some paths.
  package enum Deployment: String, ParameterChoice {
    case cloud
    case onPremises = "on_premises"
  }

  package let server: BaseURL?
  package let apiKey: SecretReference
  package let version: APIVersion
  package let deployment: Deployment

  package init(_ settings: inout ParamReader) {
    server = settings.optional(
      "server_url", .serverURL,
      "The Control Center, or its Access URL as My Account shows it. Needed on premises.",
      default: Self.cloud)
    apiKey = settings.required(
      "api_key", .secret, "A key from My Account, with the APIs enabled that are to be used.")
    version = settings.optional(
      "api_version", .choice(APIVersion.self),
      "The API version to use. A method that has no such version is sent to its newest one below.",
      default: .v10)
    deployment = settings.optional(
      "deployment", .choice(Deployment.self), "Where the Control Center runs.", default: .cloud)
    settings.required("server_url", when: "deployment", isOneOf: .choice(Deployment.onPremises))
  }

  private static let cloud = try? BaseURL("https://cloud.gravityzone.bitdefender.com")
}

/// A version of the vendor's API, by which shapes differ.
package enum APIVersion: String, ParameterChoice, Comparable {
  case v10 = "v1.0"
  case v11 = "v1.1"
  case v12 = "v1.2"

  private var rank: Int {
    switch self {
    case .v10: 0
    case .v11: 1
    case .v12: 2
    }
  }

  package static func < (one: APIVersion, other: APIVersion) -> Bool { one.rank < other.rank }
}
