import HTTP
import IntegrationKit

/// The settings of a connection to one GravityZone Control Center.
package struct GravityZoneSettings: ParameterObject {
  package static let naming = ParameterShape.Naming.verbatim

  /// The two deployments differ in some paths.
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
      "The URL of the Control Center, or the Access URL in My Account. Required on premises.",
      default: Self.cloud)
    apiKey = settings.required(
      "api_key", .secretToken, "An API key from My Account, with the required APIs enabled.")
    version = settings.optional(
      "api_version", .apiVersion,
      "The API version, such as v1.0. A method without this version uses its next lower version.",
      default: .v10)
    deployment = settings.optional(
      "deployment", .choice(Deployment.self), "The deployment of the Control Center.",
      default: .cloud)
    settings.required("server_url", when: "deployment", isOneOf: .choice(Deployment.onPremises))
  }

  private static let cloud = try? BaseURL("https://cloud.gravityzone.bitdefender.com")
}
