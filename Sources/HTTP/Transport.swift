import Basics

/// Sends requests over the network. The only implementation outside tests is libcurl's.
public protocol Transport: Sendable {
  /// Sends one request and reads the whole answer, whatever its status.
  ///
  /// Cancelling the task aborts the transfer at once.
  ///
  /// - Parameter deadline: bounds name resolution, connecting, sending and receiving together.
  /// - Throws: when there is no whole answer. Not thrown: any HTTP status.
  func send(
    _ request: HTTPRequest, through route: TransportRoute, deadline: Deadline
  ) async throws(TransportError) -> HTTPResponse
}

/// How requests of one connection reach their vendor.
public struct TransportRoute: Sendable, Hashable {
  /// `http://…`, `https://…` or `socks5h://…`; nil for what the environment says (`https_proxy`,
  /// `no_proxy`). Requests to this machine itself go without one.
  public var proxy: String?
  /// PEM file of certificate authorities to trust instead of the system's.
  public var caFile: String?
  /// PEM files for mutual TLS.
  public var clientCertificate: String?
  public var clientKey: String?
  /// Bytes of one response body at most, after decompression.
  public var maximumResponseBytes: Int
  public var connectTimeoutMilliseconds: Int

  public init(
    proxy: String? = nil, caFile: String? = nil, clientCertificate: String? = nil,
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
}

/// Why there is no answer.
public struct TransportError: Error, Sendable, CustomStringConvertible {
  public enum Kind: Sendable {
    /// The name does not resolve, nobody listens, or the proxy refuses: nothing was sent.
    case cannotConnect
    /// The certificate was not accepted, or TLS failed otherwise: nothing was sent.
    case tls
    case timedOut
    /// The connection broke before the answer was whole.
    case interrupted
    case responseTooLarge
    /// The vendor sends on and on, without acting.
    case tooManyRedirects
    case cancelled
    /// The transport itself cannot work here, such as without libcurl.
    case unavailable
  }

  public var kind: Kind
  /// A sentence fragment without secrets.
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
