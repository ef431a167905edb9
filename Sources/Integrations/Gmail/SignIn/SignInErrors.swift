import HTTP
import IntegrationKit
import JSON
import RateLimits

/// Errors of the token endpoint: `{"error","error_description","error_subtype"}` (RFC 6749 section
/// 5.2; `error_subtype` is Google's).
struct SignInError {
  /// Who signs in. The same error has another cause for each.
  enum Method { case serviceAccount, oauthClient }

  private let code: String
  private let description: String
  private let subtype: String
  private let method: Method

  private init(_ json: JSON?, _ method: Method) {
    code = json?["error"]?.string ?? ""
    description = json?["error_description"]?.string ?? ""
    subtype = json?["error_subtype"]?.string ?? ""
    self.method = method
  }

  /// Google limits sign-ins with status 429, or with 403 and an error code.
  static func rateRefusal(_ response: HTTPResponse) -> RateRefusal? {
    if response.status == 429 { return RateRefusal(retryAfter: response.retryAfter) }
    guard response.status == 400 || response.status == 403 else { return nil }
    guard let code = (try? response.json())?["error"]?.string, rateCodes.contains(code)
    else { return GmailErrors.rateRefusal(response) }
    return RateRefusal(retryAfter: response.retryAfter)
  }

  private static let rateCodes: Set<String> = [
    "rate_limit_exceeded", "quota_exceeded", "slow_down",
  ]

  /// Sets `concernsSignIn`: the command itself was not sent.
  static func error(_ response: HTTPResponse, by method: Method) -> CommandError {
    let json = try? response.json()
    let fault = SignInError(json, method)
    let refusal = rateRefusal(response)
    let text = [fault.description, fault.code].first { !$0.isEmpty }
    var error = CommandError.upstream(
      response, message: text ?? json?["error"]?["message"]?.string, refusal: refusal,
      remedy: refusal == nil
        ? fault.remedy : "Google limits the sign-ins of this client. Try again later.")
    error.concernsSignIn = true
    if (400..<500).contains(response.status), refusal == nil { error.kind = .auth }
    return error
  }

  // MARK: Remedies

  private var remedy: String? {
    if isSessionControl {
      return """
        Google Cloud session control asks for a new sign-in every few hours. Exempt the app in the \
        Admin console (Security, Google Cloud session control, trusted apps), or use a service \
        account.
        """
    }
    return method == .serviceAccount ? serviceAccountRemedy : oauthClientRemedy
  }

  /// The user must sign in again, however new the refresh token is ("rapt": reauthentication proof
  /// token).
  private var isSessionControl: Bool {
    ["invalid_rapt", "rapt_required"].contains {
      subtype == $0 || code == $0 || description.contains($0)
    }
  }

  private var serviceAccountRemedy: String? {
    switch code {
    case "unauthorized_client", "access_denied":
      return """
        Delegate domain-wide authority to the client ID of the service account, with every scope \
        of the connection's setup (Admin console, Security, API controls). A change can take a \
        day.
        """
    case "invalid_scope": return Self.scope
    case "invalid_client", "deleted_client":
      return "The service account does not exist. Use the key file of another service account."
    case "disabled_client": return "Enable the service account, or use another one."
    case "admin_policy_enforced", "org_internal":
      return """
        A policy of the domain's administrator blocks the service account or a scope. Allow its \
        client ID in the Admin console (Security, API controls).
        """
    case "invalid_grant": return assertionRemedy
    default: return nil
    }
  }

  private var oauthClientRemedy: String? {
    switch code {
    case "unauthorized_client":
      return """
        Set client_id and client_secret to the OAuth client that the refresh token was issued to, \
        or let the user consent again with sallyport auth gmail.
        """
    case "access_denied":
      return """
        Allow the OAuth client in the Admin console (Security, API controls, App access control), \
        and check that the user may use it.
        """
    case "invalid_scope": return Self.scope
    case "invalid_client": return "Check client_id and client_secret of the connection."
    case "disabled_client":
      return """
        Enable the OAuth client in Google Cloud (APIs & Services, Credentials), or set client_id \
        and client_secret to another one.
        """
    case "deleted_client":
      return """
        The OAuth client was deleted. Set client_id and client_secret to another OAuth client, \
        then let the user consent with sallyport auth gmail.
        """
    case "admin_policy_enforced":
      return """
        A policy of the administrator blocks the OAuth client or a scope. Set the client to \
        trusted in the Admin console (Security, API controls, App access control).
        """
    case "org_internal":
      return """
        The OAuth client is internal to another organization. Let a user of that organization \
        consent, or set the user type of the app to External in Google Cloud.
        """
    case "redirect_uri_mismatch":
      return "Set callback_url to the redirect URI that the authorization code was requested with."
    case "invalid_grant":
      return """
        The refresh token or the authorization code has expired. Let the user consent again with \
        sallyport auth gmail. (For apps in testing, it expires after seven days.)
        """
    default: return nil
    }
  }

  private static let scope = "Grant the scope in the Admin console (Security, API controls)."

  private var assertionRemedy: String {
    if description.contains("Signature") {
      return "The key was deleted or changed. Use a new key file of the service account."
    }
    if description.contains("iat") || description.contains("timeframe") {
      return "Correct the clock of this machine. Google rejects assertions with a wrong time."
    }
    if description.contains("email") || description.contains("User ID") {
      return "Use the address of an existing user of the domain who is not suspended."
    }
    return "Check that the service account exists and that its key file is current."
  }
}
