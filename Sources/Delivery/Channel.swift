import Basics
import HTTP
import RateLimits
import Redaction

/// How the requests of one connection reach its vendor, and the limits that they share.
package struct Channel: Sendable {
  package let transport: any Transport
  package let route: TransportRoute
  package let limiter: RateLimiter
  package let concurrency: ConcurrencyLimit
  package let secrets: Redactor
  package let time: TimeSource

  package init(
    transport: any Transport, route: TransportRoute, limiter: RateLimiter,
    concurrency: ConcurrencyLimit, secrets: Redactor, time: TimeSource = .system
  ) {
    self.transport = transport
    self.route = route
    self.limiter = limiter
    self.concurrency = concurrency
    self.secrets = secrets
    self.time = time
  }
}
