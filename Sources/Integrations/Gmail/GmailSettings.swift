import HTTP
import IntegrationKit
import JSON

/// The settings of a connection to Gmail.
package struct GmailSettings: ParameterObject {
  package static let naming = ParameterShape.Naming.verbatim

  package enum AuthenticationType: String, ParameterChoice {
    /// Acts as any user of a domain that delegated authority to it.
    case serviceAccount = "service_account"
    /// Acts as the user who consented.
    case oauthClientID = "oauth_client_id"
  }

  package let authenticationType: AuthenticationType
  package let version: String
  package let clientID: String?
  package let clientSecret: SecretReference?
  package let authorizationCode: SecretReference?
  package let callbackURL: String?
  package let refreshToken: SecretReference?
  package let adminEmail: String?
  package let serviceAccount: SecretReference?
  /// Nil if the connection names none.
  let namedScopes: [GmailScope]?
  package let gmailURL: BaseURL?
  package let directoryURL: BaseURL?
  package let tokenURL: BaseURL?
  package let authorizationURL: BaseURL?

  package init(_ settings: inout ParamReader) {
    authenticationType = settings.optional(
      "authentication_type", .choice(AuthenticationType.self),
      "service_account acts as any user of the domain, oauth_client_id as the user who consented.",
      default: .serviceAccount)
    version = settings.optional(
      "api_version", .text(maximumCharacters: 16), "The version of the Gmail API.", default: "v1")
    clientID = settings.optional(
      "client_id", .trimmedText(maximumCharacters: 512), "The ID of the OAuth client.")
    clientSecret = settings.optional(
      "client_secret", .secretToken, "The secret of the OAuth client.")
    authorizationCode = settings.optional(
      "authorization_code", .secretToken,
      "The code from the consent page. It can be exchanged once for a refresh token.")
    callbackURL = settings.optional(
      "callback_url", .text(maximumCharacters: 2_048),
      "The redirect URI that the authorization code was requested with.")
    refreshToken = settings.optional(
      "refresh_token", .secretToken, "The refresh token from the exchange of an authorization code."
    )
    adminEmail = settings.optional(
      "admin_email", .trimmedText(maximumCharacters: 320),
      "The administrator that a service account uses to manage users and to test the connection.")
    serviceAccount = settings.optional(
      "service_account_json", .secretDocument,
      "The JSON key file of the service account, as an object or a string.")
    namedScopes = settings.optional(
      "scopes", .list(of: GmailScopeType(), count: 1...GmailScope.allCases.count * 2),
      """
      The OAuth scopes that were delegated to the service account, or that the user consents to: \
      their addresses, or the last part of them. Each request uses the scope that allows least. \
      Default: mail.google.com, gmail.settings.basic, admin.directory.user.
      """)
    gmailURL = settings.optional(
      "gmail_url", .serverURL, "An alternative endpoint of the Gmail API.",
      default: try? BaseURL("https://gmail.googleapis.com"))
    directoryURL = settings.optional(
      "directory_url", .serverURL, "An alternative endpoint of the Directory API.",
      default: try? BaseURL("https://admin.googleapis.com"))
    tokenURL = settings.optional(
      "token_url", .serverURL, "An alternative token endpoint.",
      default: try? BaseURL("https://oauth2.googleapis.com/token"))
    authorizationURL = settings.optional(
      "authorization_url", .serverURL, "An alternative consent page.",
      default: try? BaseURL("https://accounts.google.com/o/oauth2/v2/auth"))
    settings.required(
      "service_account_json", when: "authentication_type",
      isOneOf: .choice(AuthenticationType.serviceAccount))
    settings.required(
      "admin_email", when: "authentication_type",
      isOneOf: .choice(AuthenticationType.serviceAccount))
    settings.required(
      "client_id", when: "authentication_type", isOneOf: .choice(AuthenticationType.oauthClientID))
    settings.required(
      "client_secret", when: "authentication_type",
      isOneOf: .choice(AuthenticationType.oauthClientID))
  }

  var scopes: [GmailScope] { namedScopes ?? GmailScope.documented }
}
