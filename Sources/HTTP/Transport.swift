import Basics

/// Sends requests over the network. The only implementation outside of tests uses libcurl.
public protocol Transport: Sendable {
  /// Sends one request and reads the complete response, with any status. Follows no redirect.
  ///
  /// Cancellation of the task aborts the transfer immediately.
  ///
  /// - Parameter deadline: covers name resolution, connecting, sending and receiving.
  /// - Throws: if there is no complete response. An HTTP error status does not throw.
  func send(
    _ request: HTTPRequest, through route: TransportRoute, deadline: Deadline
  ) async throws(TransportError) -> HTTPResponse

  /// The request that follows a redirect; nil if the response is final.
  func next(after request: HTTPRequest, _ response: HTTPResponse) -> HTTPRequest?
}

extension Transport {
  public func next(after request: HTTPRequest, _ response: HTTPResponse) -> HTTPRequest? { nil }
}

/// How the requests of a connection reach the vendor.
public struct TransportRoute: Sendable, Hashable {
  /// Nil to use the environment (`https_proxy`, `no_proxy`), in which case requests to this machine
  /// use no proxy.
  public var proxy: ProxyURL?
  /// Hosts that are reached without the proxy, as in `no_proxy`.
  public var proxyExceptions = ""
  /// A PEM file of certificate authorities that replaces the system's.
  public var caFile: String?
  /// PEM files for mutual TLS.
  public var clientCertificate: String?
  public var clientKey: String?
  /// Of an encrypted client key.
  public var clientKeyPassword: String?
  /// Maximum size of a response body in bytes, after decompression.
  public var maximumResponseBytes: Int
  public var connectTimeoutMilliseconds: Int

  public init(
    proxy: ProxyURL? = nil, caFile: String? = nil, clientCertificate: String? = nil,
    clientKey: String? = nil, maximumResponseBytes: Int = 64 * 1_024 * 1_024,
    connectTimeoutMilliseconds: Int = 10_000
  ) {
    self.proxy = proxy
    self.caFile = caFile
    self.clientCertificate = clientCertificate
    self.clientKey = clientKey
    self.maximumResponseBytes = maximumResponseBytes
    self.connectTimeoutMilliseconds = connectTimeoutMilliseconds
  }

  /// For a request to another origin: the certificate is a credential.
  package var withoutClientCertificate: TransportRoute {
    var route = self
    (route.clientCertificate, route.clientKey, route.clientKeyPassword) = (nil, nil, nil)
    return route
  }
}

/// Why there is no response.
public struct TransportError: Error, Sendable, CustomStringConvertible {
  public enum Kind: String, Sendable {
    /// The name does not resolve, the connection is refused, or the proxy rejects it. Nothing was
    /// sent.
    case cannotConnect = "cannot_connect"
    /// A certificate was rejected, or TLS failed otherwise. The vendor has processed nothing.
    case tls
    /// The file of certificate authorities cannot be used. Nothing was sent.
    case caFile = "ca_file"
    /// The files of mutual TLS cannot be used. Nothing was sent.
    case clientCertificate = "client_certificate"
    case timedOut = "timed_out"
    /// The vendor refused the request before it processed it (RFC 9113 section 8.7).
    case refused
    /// The connection broke before the response was complete.
    case interrupted
    case responseTooLarge = "response_too_large"
    /// The body does not have the encoding that the response names, or the encoding is unknown.
    case undecodable
    /// The address of a proxy is invalid, or the proxy refuses to forward. The vendor got nothing.
    case proxy
    /// The URL is invalid. Nothing was sent.
    case invalidURL = "invalid_url"
    /// The vendor redirects too often. It has not acted on the request.
    case tooManyRedirects = "too_many_redirects"
    case cancelled
    /// The transport does not work here, for example because libcurl is missing.
    case unavailable
    /// The system refuses a descriptor, a thread or memory. A later attempt may succeed.
    case shortage
  }

  public var kind: Kind
  /// A phrase without secrets.
  public var reason: String
  /// What the user can do: sentences. Nil for the remedy of the kind.
  public var remedy: String?
  /// Whether the vendor may have received the request.
  public var mayHaveArrived: Bool

  public init(_ kind: Kind, _ reason: String, remedy: String? = nil, mayHaveArrived: Bool) {
    self.kind = kind
    self.reason = reason
    self.remedy = remedy
    self.mayHaveArrived = mayHaveArrived
  }

  public var description: String { reason }
}
