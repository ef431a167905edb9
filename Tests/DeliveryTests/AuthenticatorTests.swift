import Basics
import HTTP
import RateLimits
import Redaction
import Synchronization
import TestSupport
import Testing

@testable import Delivery

/// A vendor that accepts one token, and issues `token-1`, `token-2`, and so on.
private final class TokenVendor: Sendable {
  let valid = Mutex("token-1")
  let issued = Mutex(0)
  let secrets = Redactor()

  var transport: ScriptedTransport {
    ScriptedTransport { [self] (request, _) throws(TransportError) in
      let header = request.headers.first { $0.name.description == "Authorization" }
      let isValid = header?.value == "Bearer \(valid.withLock { $0 })"
      return HTTPResponse(status: isValid ? 200 : 401)
    }
  }

  func authenticator(
    isStale: @escaping @Sendable (String) -> Bool = { _ in false },
    isReplaced: @escaping @Sendable (String, String) -> Bool = { _, _ in true },
    issue: @escaping @Sendable (Int) async throws(CommandError) -> String = { "token-\($0)" }
  ) -> Authenticator<String> {
    Authenticator(
      secrets: secrets, texts: { [$0] }, header: { "Bearer \($0)" }, isStale: isStale,
      isReplaced: isReplaced,
      refresh: { [self] (_, _) async throws(CommandError) in
        let token = try await issue(
          issued.withLock { issued in
            issued += 1
            return issued
          })
        secrets.add(token)
        return token
      })
  }
}

@Suite struct AuthenticatorTests {
  private let vendor = TokenVendor()

  private func send(
    _ authenticator: Authenticator<String>, _ network: TestNetwork
  ) async throws(CommandError) -> Int {
    try await authenticator.send(
      .sample, in: network.sender(), refusedByRate: RateRefusal.of429
    ).status
  }

  @Test func `many requests share one sign-in`() async throws {
    let network = TestNetwork(vendor.transport)
    let authenticator = vendor.authenticator()
    let statuses = await concurrentMap(Array(0..<20), limit: 20) { _ in
      try? await send(authenticator, network)
    }
    #expect(statuses.allSatisfy { $0 == 200 })
    #expect(vendor.issued.withLock { $0 } == 1)
  }

  @Test func `a rejected credential is replaced once, and the request is repeated`() async throws {
    let network = TestNetwork(vendor.transport)
    let authenticator = vendor.authenticator()
    #expect(try await send(authenticator, network) == 200)
    vendor.valid.withLock { $0 = "token-2" }
    let statuses = await concurrentMap(Array(0..<10), limit: 10) { _ in
      try? await send(authenticator, network)
    }
    #expect(statuses.allSatisfy { $0 == 200 })
    #expect(vendor.issued.withLock { $0 } == 2)
  }

  @Test func `a second 401 is the response`() async throws {
    let network = TestNetwork(vendor.transport)
    vendor.valid.withLock { $0 = "none" }
    #expect(try await send(vendor.authenticator(), network) == 401)
    #expect(network.transport.attempts.count == 2 && vendor.issued.withLock { $0 } == 2)
  }

  @Test func `a credential that did not change is not sent again`() async throws {
    let network = TestNetwork(vendor.transport)
    let authenticator = vendor.authenticator(
      isReplaced: { $0 != $1 }, issue: { _ in "the only key" })
    #expect(try await send(authenticator, network) == 401)
    #expect(network.transport.attempts.count == 1 && vendor.issued.withLock { $0 } == 2)
  }

  @Test func `a stale credential is replaced before it is sent`() async throws {
    let network = TestNetwork(vendor.transport)
    vendor.valid.withLock { $0 = "token-2" }
    let authenticator = vendor.authenticator(isStale: { $0 == "token-1" })
    #expect(try await send(authenticator, network) == 200)
    #expect(network.transport.attempts.count == 1)
  }

  @Test func `texts stay redacted for one replacement more`() async throws {
    let network = TestNetwork(vendor.transport)
    let authenticator = vendor.authenticator(issue: { "long-secret-token-\($0)" })
    var shown: [String] = []
    for number in 1...3 {
      vendor.valid.withLock { $0 = "long-secret-token-\(number)" }
      #expect(try await send(authenticator, network) == 200)
      shown.append(vendor.secrets.redact("long-secret-token-1"))
    }
    #expect(shown == ["[redacted]", "[redacted]", "long-secret-token-1"])
    authenticator.releaseSecrets()
    #expect(vendor.secrets.redact("long-secret-token-3") == "long-secret-token-3")
  }

  @Test func `a failed sign-in reaches its callers, and the next caller tries again`() async throws
  {
    let network = TestNetwork(vendor.transport)
    vendor.valid.withLock { $0 = "token-2" }
    let authenticator = vendor.authenticator(issue: { (number) throws(CommandError) in
      if number == 1 { throw CommandError(.auth, "The password is wrong.") }
      return "token-\(number)"
    })
    await #expect(throws: CommandError.self) { try await send(authenticator, network) }
    #expect(try await send(authenticator, network) == 200)
  }
}
