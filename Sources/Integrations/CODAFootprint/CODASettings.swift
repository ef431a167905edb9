import HTTP
import IntegrationKit

/// How to reach one CODA tenant.
package struct CODASettings: ParameterObject {
  package static let naming = ParameterShape.Naming.verbatim

  /// Which revision of the vendor's API the tenant speaks.
  package enum Profile: String, ParameterChoice {
    /// 7.12.16 to 7.17.28, which the document describes.
    case classic
    /// 7.18.19 of August 2024 and later.
    case current
  }

  package let server: BaseURL?
  package let userName: String
  package let password: SecretReference
  package let profile: Profile

  package init(_ settings: inout ParamReader) {
    server = settings.required(
      "server_url", .serverURL, "The tenant's own domain, without a path.")
    userName = settings.required(
      "user_name", .text(maximumCharacters: 320), "The e-mail address that signs in.")
    password = settings.required("password", .secret, "The password of that user.")
    profile = settings.optional(
      "api_profile", .choice(Profile.self),
      "The revision of the tenant's API: classic up to 7.17, current from 7.18.19 on.",
      default: .classic)
  }
}
