import CCurl
import HTTP

/// Maps libcurl's error codes (libcurl-errors(3)) to kinds that decide on a retry.
enum CurlErrorKind {
  static func kind(of code: CURLcode, hasSent: Bool) -> TransportError.Kind {
    let kind = kind(of: code)
    // libcurl reports a response that is not HTTP like an unsupported URL, and a proxy that rejects
    // the tunnel like a broken connection.
    if kind == .cannotConnect && hasSent { return .interrupted }
    if kind == .interrupted && !hasSent { return .cannotConnect }
    return kind
  }

  private static func kind(of code: CURLcode) -> TransportError.Kind {
    switch code {
    case CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT,
      CURLE_PROXY, CURLE_UNSUPPORTED_PROTOCOL:
      .cannotConnect
    case CURLE_URL_MALFORMAT: .invalidURL
    case CURLE_OPERATION_TIMEDOUT: .timedOut
    case CURLE_FILESIZE_EXCEEDED: .responseTooLarge
    case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ENGINE_NOTFOUND,
      CURLE_SSL_CIPHER,
      CURLE_SSL_CRL_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_PINNEDPUBKEYNOTMATCH,
      CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CLIENTCERT:
      .tls
    case CURLE_SSL_CACERT_BADFILE: .caFile
    case CURLE_SSL_CERTPROBLEM: .clientCertificate
    case CURLE_OUT_OF_MEMORY, CURLE_FAILED_INIT, CURLE_NOT_BUILT_IN: .unavailable
    default: .interrupted
    }
  }
}
