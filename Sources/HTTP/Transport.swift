import Basics

/// Sends requests over the network. The only implementation outside of tests uses libcurl.
public protocol Transport: Sendable {
  /// Sends one request and reads the complete response, with any status.
  ///
  /// Cancellation of the task aborts the transfer immediately.
  ///
  /// - Parameter deadline: covers name resolution, connecting, sending and receiving.
  /// - Throws: if there is no complete response. An HTTP error status does not throw.
  func send(
    _ request: HTTPRequest, through route: TransportRoute, deadline: Deadline
  ) async throws(TransportError) -> HTTPResponse
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
  public enum Kind: Sendable {
    /// The name does not resolve, the connection is refused, or the proxy rejects it. Nothing was
    /// sent.
    case cannotConnect
    /// The certificate was rejected, or TLS failed otherwise. Nothing was sent.
    case tls
    /// The files of mutual TLS cannot be used. Nothing was sent.
    case clientCertificate
    case timedOut
    /// The connection broke before the response was complete.
    case interrupted
    case responseTooLarge
    /// A proxy of the environment has an invalid address. Nothing was sent.
    case invalidProxy
    /// The vendor redirects too often. It has not acted on the request.
    case tooManyRedirects
    case cancelled
    /// The transport does not work here, for example because libcurl is missing.
    case unavailable
    /// The system refuses a descriptor, a thread or memory. A later attempt may succeed.
    case shortage
  }

  public var kind: Kind
  /// A phrase without secrets.
  public var reason: String
  /// Whether the vendor may have received the request.
  public var mayHaveArrived: Bool

  public init(_ kind: Kind, _ reason: String, mayHaveArrived: Bool) {
    self.kind = kind
    self.reason = reason
    self.mayHaveArrived = mayHaveArrived
  }

  public var description: String { reason }
}
