import Delivery

/// A client that a user lets in on a page of the vendor's (RFC 6749 section 4.1).
///
/// Whoever asks for the consent keeps `state` and the verifier of RFC 7636 until the page has
/// answered; the client knows the vendor's addresses, scopes and errors.
public protocol ConsentingClient: VendorClient {
  /// Why the connection signs in without anybody's consent; nil for one that needs it.
  var reasonAgainstConsent: String? { get }
  /// Where the vendor sends users who consent to the operator's own web application.
  var callbackURL: String? { get }
  /// The setting that keeps what a consent brings.
  var consentSetting: String { get }

  /// The address of the page. Holds no secret.
  func consentPage(for request: ConsentRequest) -> String
  /// Exchanges what the page answered for lasting access, and keeps that in the connection.
  ///
  /// - Throws: also when it cannot be kept.
  func redeem(_ code: ConsentCode, in invocation: Invocation) async throws(CommandError) -> Consent
}

/// What the page is to ask.
public struct ConsentRequest: Sendable {
  /// Where it sends the user afterwards.
  public let redirect: String
  public let state: String
  /// Of RFC 7636, with the method S256.
  public let challenge: String
  /// Whom to ask; nil for whoever is signed in.
  public let user: String?

  public init(redirect: String, state: String, challenge: String, user: String?) {
    self.redirect = redirect
    self.state = state
    self.challenge = challenge
    self.user = user
  }
}

/// What the page answered.
public struct ConsentCode: Sendable {
  public let text: String
  /// The one that it was asked for with.
  public let redirect: String
  /// Nil where it was asked for without a challenge.
  public let verifier: String?

  public init(_ text: String, redirect: String, verifier: String?) {
    self.text = text
    self.redirect = redirect
    self.verifier = verifier
  }
}

/// What a user has consented to.
public struct Consent: Sendable {
  /// Who it was, where the vendor says so.
  public let user: String?
  /// Scopes that were asked for and not granted.
  public let missingScopes: [String]

  public init(user: String?, missingScopes: [String]) {
    self.user = user
    self.missingScopes = missingScopes
  }
}
