import Delivery

/// A client that a user authorizes on a page of the vendor (RFC 6749 section 4.1).
///
/// The caller keeps `state` and the verifier of RFC 7636 until the page has redirected the user; the
/// client knows the vendor's addresses, scopes and errors.
public protocol ConsentingClient: VendorClient {
  /// Why the connection signs in without a consent; nil if it needs one.
  var reasonAgainstConsent: String? { get }
  /// Where the vendor redirects users who consent to the operator's web application.
  var callbackURL: String? { get }
  /// The setting that stores the result of a consent.
  var consentSetting: String { get }

  /// The address of the page. Contains no secret.
  func consentPage(for request: ConsentRequest) -> String
  /// Exchanges the code of the page for permanent access, and stores that in the connection.
  ///
  /// - Throws: also if it cannot be stored.
  func redeem(_ code: ConsentCode, in invocation: Invocation) async throws(CommandError) -> Consent
}

/// The parameters of the page.
public struct ConsentRequest: Sendable {
  /// Where it redirects the user.
  public let redirect: String
  public let state: String
  /// Of RFC 7636, with the method S256.
  public let challenge: String
  /// The user to ask; nil for the one who is signed in.
  public let user: String?

  public init(redirect: String, state: String, challenge: String, user: String?) {
    self.redirect = redirect
    self.state = state
    self.challenge = challenge
    self.user = user
  }
}

/// The authorization code of the page.
public struct ConsentCode: Sendable {
  public let text: String
  /// The redirect of its request.
  public let redirect: String
  /// Nil if its request had no challenge.
  public let verifier: String?

  public init(_ text: String, redirect: String, verifier: String?) {
    self.text = text
    self.redirect = redirect
    self.verifier = verifier
  }
}

/// The consent of a user.
public struct Consent: Sendable {
  /// The user, if the vendor names one.
  public let user: String?
  /// Scopes that were requested and not granted.
  public let missingScopes: [String]

  public init(user: String?, missingScopes: [String]) {
    self.user = user
    self.missingScopes = missingScopes
  }
}
