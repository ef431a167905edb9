import HTTP
import Plugin

/// How to reach one CODA tenant.
public struct CODASettings: ParameterObject {
  public static let naming = ParameterShape.Naming.verbatim

  /// Which revision of the vendor's API the tenant speaks.
  public enum Profile: String, ParameterChoice {
    /// 7.12.16 to 7.17.28, which the document describes.
    case classic
    /// 7.18.19 of August 2024 and later.
    case current
  }

  public let server: BaseURL?
  public let userName: String
  public let password: SecretReference
  public let profile: Profile

  public init(_ settings: inout ParamReader) {
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
