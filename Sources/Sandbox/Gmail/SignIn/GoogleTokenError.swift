import Basics
import Crypto
import HTTPServer
import JSON

/// An error of the token endpoint (RFC 6749 section 5.2). Its body differs from those of the APIs.
struct GoogleTokenError: Error {
  var status = 400
  var error: String
  var description: String?

  var response: HTTPServer.Response {
    .googleJSON(
      status,
      JSONFragment { writer in
        writer.object { writer in
          writer.member("error", error)
          writer.member(ifPresent: "error_description", description)
        }
      })
  }

  static func invalidGrant(_ description: String) -> GoogleTokenError {
    GoogleTokenError(error: "invalid_grant", description: description)
  }
  static func invalidRequest(_ description: String) -> GoogleTokenError {
    GoogleTokenError(error: "invalid_request", description: description)
  }

  static let unsupportedGrantType = GoogleTokenError(
    error: "unsupported_grant_type", description: "Invalid grant_type: ")
  static let noSuchClient = GoogleTokenError(
    status: 401, error: "invalid_client", description: "The OAuth client was not found.")
  static let wrongSecret = GoogleTokenError(
    status: 401, error: "invalid_client", description: "Unauthorized")
  static let expired = invalidGrant("Token has been expired or revoked.")
  static let invalidScope = GoogleTokenError(
    error: "invalid_scope", description: "Invalid OAuth scope or ID token audience provided.")
  static let unauthorized = GoogleTokenError(
    status: 401, error: "unauthorized_client",
    description: "Client is unauthorized to retrieve access tokens using this method, or client "
      + "not authorized for any of the scopes requested.")
  static let wrongSignature = invalidGrant("Invalid JWT Signature.")
  static let wrongTimes = invalidGrant(
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
      + "Check your iat and exp values in the JWT claim.")
  static let noSuchUser = invalidGrant("Invalid email or User ID")
}
