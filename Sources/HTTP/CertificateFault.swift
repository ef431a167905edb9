/// Why a server's certificate was rejected.
package enum CertificateFault: CaseIterable, Sendable {
  case expired, notYetValid, wrongName, revoked, selfSigned, unknownAuthority

  /// - Parameter reason: of a transport error of the kind `tls`, in the words of libcurl and OpenSSL.
  /// - Returns: nil if TLS failed for another reason.
  package init?(_ reason: String) {
    let reason = reason.lowercased()
    let fault = Self.allCases.first { $0.phrases.contains { reason.contains($0) } }
    guard let fault else { return nil }
    self = fault
  }

  /// X509_verify_cert_error_string(3), and libcurl's about the name, which it checks itself.
  private var phrases: [String] {
    switch self {
    case .expired: ["certificate has expired"]
    case .notYetValid: ["certificate is not yet valid"]
    case .wrongName: ["subject name"]
    case .revoked: ["certificate revoked"]
    case .selfSigned: ["self-signed certificate", "self signed certificate"]
    case .unknownAuthority:
      ["unable to get local issuer", "unable to verify the first certificate"]
    }
  }

  /// A predicate; the subject is the certificate.
  package var text: String {
    switch self {
    case .expired: "has expired"
    case .notYetValid: "is not yet valid"
    case .wrongName: "is for another name"
    case .revoked: "is revoked"
    case .selfSigned: "is self-signed, or its authority is unknown"
    case .unknownAuthority: "is issued by an unknown authority"
    }
  }

  package var remedy: String {
    switch self {
    case .expired:
      "The server needs a new certificate. If it has one, correct the clock of this machine."
    case .notYetValid:
      "Correct the clock of this machine. If it is right, the server needs another certificate."
    case .wrongName: "Use a URL with a name that is in the certificate."
    case .revoked: "The server needs a new certificate."
    case .selfSigned, .unknownAuthority:
      "Set tls.ca_file to a PEM file of the authority that issued it. A proxy that inspects TLS has "
        + "such an authority, too."
    }
  }
}
