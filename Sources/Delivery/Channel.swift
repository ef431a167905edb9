import Basics
import HTTP
import RateLimits
import Redaction

/// How the requests of one connection reach its vendor, and the limits that they share.
package struct Channel: Sendable {
  package let transport: any Transport
  package let route: TransportRoute
  /// Nil if the route needs none.
  package let clientKeyPassword: ClientKeyPassword?
  package let limiter: RateLimiter
  package let concurrency: ConcurrencyLimit
  package let secrets: Redactor
  package let time: TimeSource

  package init(
    transport: any Transport, route: TransportRoute, clientKeyPassword: ClientKeyPassword? = nil,
    limiter: RateLimiter,
    concurrency: ConcurrencyLimit, secrets: Redactor, time: TimeSource = .system
  ) {
    self.transport = transport
    self.route = route
    self.clientKeyPassword = clientKeyPassword
    self.limiter = limiter
    self.concurrency = concurrency
    self.secrets = secrets
    self.time = time
  }
}
