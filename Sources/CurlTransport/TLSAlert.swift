/// A fatal alert with which a server ended TLS (RFC 8446 section 6.2). With TLS 1.3 the one about the
/// client's certificate arrives after the handshake, when the request has been sent.
struct TLSAlert: Equatable {
  let number: Int

  /// OpenSSL's number of TLS errors, and the one that it adds to an alert that it received.
  private static let sslErrors = 20
  private static let receivedAlert = 1_000

  /// - Parameter text: of libcurl, with an error code of OpenSSL: `error:0A00045C:SSL routines::…`.
  /// - Returns: nil if it names no alert.
  init?(in text: String) {
    // libcurl words only this alert so: if it rejects a certificate itself, it names the cause.
    if text.hasPrefix("SSL certificate verification failed") {
      number = Self.certificateExpired
      return
    }
    guard let start = text.firstRange(of: "error:")?.upperBound,
      let code = Int(text[start...].prefix { $0.isHexDigit }, radix: 16),
      // OpenSSL 3 packs the library at bit 23, earlier ones at bit 24.
      code >> 23 == Self.sslErrors || code >> 24 == Self.sslErrors
    else { return nil }
    let number = code & 0xFFF - Self.receivedAlert
    guard (0...255).contains(number) else { return nil }
    self.number = number
  }

  private static let handshakeFailure = 40
  private static let certificateExpired = 45
  private static let certificateRequired = 116
  /// Alerts about the peer's certificate: a server sends them about the client's.
  private static let certificateNames = [
    41: "no_certificate", 42: "bad_certificate", 43: "unsupported_certificate",
    44: "certificate_revoked", certificateExpired: "certificate_expired",
    46: "certificate_unknown", 48: "unknown_ca", 49: "access_denied", 51: "decrypt_error",
    certificateRequired: "certificate_required",
  ]

  /// What the server refused; nil if the alert is about something else than the handshake.
  ///
  /// - Parameter hasCertificate: whether the client was given a certificate to present.
  func explanation(hasCertificate: Bool) -> (reason: String, remedy: String)? {
    if let name = Self.certificateNames[number] {
      guard hasCertificate else {
        return (
          "the server requires a client certificate (TLS alert \(name))",
          "Set tls.client_certificate and tls.client_key of the connection."
        )
      }
      let isMissing = number == Self.certificateRequired
      return (
        "the server \(isMissing ? "does not accept" : "rejects") the client certificate "
          + "(TLS alert \(name))",
        "Check that tls.client_certificate is valid and issued by an authority that the server trusts."
      )
    }
    guard number == Self.handshakeFailure else { return nil }
    return (
      "the server ends the TLS handshake (TLS alert handshake_failure)",
      hasCertificate
        ? "Check tls.client_certificate of the connection, and the TLS settings of the server."
        : "If the server requires a client certificate, set tls.client_certificate of the "
          + "connection. Otherwise check the TLS settings of the server."
    )
  }
}
