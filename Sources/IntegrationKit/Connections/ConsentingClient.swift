/// A client that a user lets in on a page of the vendor's (RFC 6749 section 4.1).
///
/// Whoever asks for the consent keeps `state` and the verifier of RFC 7636 until the page has
/// answered; the client knows the vendor's addresses, scopes and errors.
package protocol ConsentingClient: VendorClient {
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
package struct ConsentRequest: Sendable {
  /// Where it sends the user afterwards.
  package let redirect: String
  package let state: String
  /// Of RFC 7636, with the method S256.
  package let challenge: String
  /// Whom to ask; nil for whoever is signed in.
  package let user: String?

  package init(redirect: String, state: String, challenge: String, user: String?) {
    self.redirect = redirect
    self.state = state
    self.challenge = challenge
    self.user = user
  }
}

/// What the page answered.
package struct ConsentCode: Sendable {
  package let text: String
  /// The one that it was asked for with.
  package let redirect: String
  /// Nil where it was asked for without a challenge.
  package let verifier: String?

  package init(_ text: String, redirect: String, verifier: String?) {
    self.text = text
    self.redirect = redirect
    self.verifier = verifier
  }
}

/// What a user has consented to.
package struct Consent: Sendable {
  /// Who it was, where the vendor says so.
  package let user: String?
  /// Scopes that were asked for and not granted.
  package let missingScopes: [String]

  package init(user: String?, missingScopes: [String]) {
    self.user = user
    self.missingScopes = missingScopes
  }
}
