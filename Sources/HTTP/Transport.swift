import Basics

/// Sends requests over the network. The only implementation outside tests is libcurl's.
package protocol Transport: Sendable {
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
package struct TransportRoute: Sendable, Hashable {
  /// `http://…`, `https://…` or `socks5h://…`; nil for what the environment says (`https_proxy`,
  /// `no_proxy`). Requests to this machine itself go without one.
  package var proxy: String?
  /// PEM file of certificate authorities to trust instead of the system's.
  package var caFile: String?
  /// PEM files for mutual TLS.
  package var clientCertificate: String?
  package var clientKey: String?
  /// Bytes of one response body at most, after decompression.
  package var maximumResponseBytes: Int
  package var connectTimeoutMilliseconds: Int

  package init(
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
package struct TransportError: Error, Sendable, CustomStringConvertible {
  package enum Kind: Sendable {
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

  package var kind: Kind
  /// A sentence fragment without secrets.
  package var reason: String
  /// Whether the vendor may have received the request.
  package var mayHaveArrived: Bool

  package init(_ kind: Kind, _ reason: String, mayHaveArrived: Bool) {
    self.kind = kind
    self.reason = reason
    self.mayHaveArrived = mayHaveArrived
  }

  package var description: String { reason }
}
