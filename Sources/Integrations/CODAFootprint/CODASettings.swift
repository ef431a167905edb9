import HTTP
import IntegrationKit

/// The settings of a connection to one CODA tenant.
package struct CODASettings: ParameterObject {
  package static let naming = ParameterShape.Naming.verbatim

  /// The revision of the tenant's API.
  package enum Profile: String, ParameterChoice {
    /// 7.12.16 to 7.17.28, the documented revisions.
    case classic
    /// 7.18.19 (August 2024) and later.
    case current
  }

  package let server: BaseURL?
  package let userName: String
  package let password: SecretReference
  package let profile: Profile

  package init(_ settings: inout ParamReader) {
    server = settings.required(
      "server_url", .serverURL, "The URL of the tenant's domain, without a path.")
    userName = settings.required(
      "user_name", .trimmedText(maximumCharacters: 320), "The email address of the user.")
    password = settings.required("password", .secret, "The password of that user.")
    profile = settings.optional(
      "api_profile", .choice(Profile.self),
      "The revision of the tenant's API: classic up to 7.17, current from 7.18.19.",
      default: .classic)
  }
}
