import Basics
import HTTP
import IntegrationKit

/// Examines the way to one server: name, proxy, TLS and clock. Sends one HEAD request without
/// credentials.
struct ServerExamination {
  /// Milliseconds of the request, and of the name lookup.
  private static let milliseconds = 15_000
  /// Seconds by which the clocks may differ. Google, for one, refuses assertions beyond that.
  static let maximumSkewSeconds: Int64 = 300

  let server: BaseURL
  let transport: any Transport
  let route: TransportRoute
  let proxies: EnvironmentProxies
  let deadline = Deadline(inMilliseconds: milliseconds)

  /// The findings from `dns` to `clock`. Those behind a failed one are skipped.
  func findings() async -> [ConnectionDiagnosis.Finding] {
    let proxy = proxy
    var findings = [await dns(proxy)]
    findings.append(
      .init(.proxy, .ok, proxy.map { "\(host): \($0)" } ?? "\(host): none"))
    guard findings[0].verdict != .failed else { return Self.skippingRest(of: findings) }
    // The root of the server: a HEAD of a path of the API could be refused.
    var request = HTTPRequest(.head, origin)
    request.isSideEffectFree = true
    do throws(TransportError) {
      let response = try await transport.send(request, through: route, deadline: deadline)
      findings.append(.init(.connect, .ok, "\(host): connected"))
      findings.append(tls(nil))
      findings.append(clock(response))
    } catch {
      add(error, proxy, to: &findings)
    }
    return Self.skippingRest(of: findings)
  }

  private var host: String { server.host }

  private var origin: String {
    let scheme = server.isSecure ? "https" : "http"
    let name = host.contains(":") ? "[\(host)]" : host
    return "\(scheme)://\(name):\(server.port)/"
  }

  /// Where the requests go, if not to the server; without credentials.
  private var proxy: String? {
    if let proxy = route.proxy { return "\(proxy)" }
    guard !server.isLoopback else { return nil }
    switch proxies.choice(for: origin) {
    case .none: return nil
    case .proxy(let proxy):
      return "\(proxy) of the environment"
        + (proxies.exceptions.isEmpty ? "" : ", unless no_proxy names the host")
    case .invalid(let reason): return reason
    }
  }

  private func dns(_ proxy: String?) async -> ConnectionDiagnosis.Finding {
    guard proxy == nil else {
      return .init(.dns, .skipped, "\(host): the proxy connects to it")
    }
    let host = host
    let result: Result<[String], NameLookup.Failure>
    do throws(BlockingWork.Interruption) {
      result = try await BlockingWork.helpers.run(until: deadline) {
        NameLookup.addresses(of: host)
      }
    } catch {
      return .init(
        .dns, .failed, "\(host): the lookup did not end in time",
        remedy: "Check the name servers of this machine.")
    }
    switch result {
    case .success([host]): return .init(.dns, .ok, "\(host): an address")
    case .success(let addresses):
      return .init(.dns, .ok, "\(host): \(addresses.joined(separator: ", "))")
    case .failure(let failure):
      return .init(
        .dns, .failed, "\(host): \(failure.reason)",
        remedy: "Check the host in the URL, and the name servers of this machine.")
    }
  }

  private func tls(_ error: TransportError?) -> ConnectionDiagnosis.Finding {
    guard let error else {
      return server.isSecure
        ? .init(.tls, .ok, "\(host): the certificate is valid")
        : .init(.tls, .skipped, "\(host): http to this machine")
    }
    if let fault = CertificateFault(error.reason) {
      return .init(
        .tls, .failed, "\(host): the certificate \(fault.text)", remedy: fault.remedy)
    }
    let failure = CommandError.transport(error, outcome: .notApplied)
    return .init(.tls, .failed, "\(host): \(error.reason)", remedy: failure.remedy)
  }

  private func clock(_ response: HTTPResponse) -> ConnectionDiagnosis.Finding {
    let now = WallClock.nowMilliseconds
    guard let text = response.header("date"),
      let date = RetryAfter.httpDate(text, nowMilliseconds: now)
    else { return .init(.clock, .notVerified, "\(host): the response has no date") }
    let seconds = (now - date) / 1_000
    let distance = seconds < 0 ? -seconds : seconds
    guard distance > Self.maximumSkewSeconds else {
      return .init(.clock, .ok, "\(host): differs by \(distance) s")
    }
    return .init(
      .clock, .failed,
      "\(host): this machine is \(distance) s \(seconds > 0 ? "ahead" : "behind")",
      remedy: "Synchronize the clock of this machine, such as with chrony. Certificates and signed "
        + "sign-ins depend on it.")
  }

  private func add(
    _ error: TransportError, _ proxy: String?, to findings: inout [ConnectionDiagnosis.Finding]
  ) {
    let failure = CommandError.transport(error, outcome: .notApplied)
    switch error.kind {
    case .tls, .caFile, .clientCertificate:
      findings.append(.init(.connect, .ok, "\(host): connected"))
      findings.append(tls(error))
    case .cannotConnect where proxy == nil: findings.append(unreachable(error))
    case .proxy, .cannotConnect:
      findings[1] = .init(
        .proxy, .failed, "\(host): \(error.reason)", remedy: failure.remedy)
    default: findings.append(unreachable(error))
    }
  }

  private func unreachable(_ error: TransportError) -> ConnectionDiagnosis.Finding {
    .init(
      .connect, .failed, "\(host): \(error.reason)",
      remedy: "Check the URL, firewalls, and whether the connection needs a proxy.")
  }

  private static let order: [ConnectionDiagnosis.Check] = [.dns, .proxy, .connect, .tls, .clock]

  private static func skippingRest(
    of findings: [ConnectionDiagnosis.Finding]
  ) -> [ConnectionDiagnosis.Finding] {
    findings
      + order.dropFirst(findings.count).map {
        .init($0, .skipped, "an earlier check failed")
      }
  }

  /// One finding per check for all servers: the worst verdict, and the messages with it.
  static func summary(
    of servers: [[ConnectionDiagnosis.Finding]]
  ) -> [ConnectionDiagnosis.Finding] {
    order.compactMap { check in
      let all = servers.flatMap { $0.filter { $0.check == check } }
      let worst = [ConnectionDiagnosis.Verdict.failed, .notVerified, .ok, .skipped].first {
        verdict in
        all.contains { $0.verdict == verdict }
      }
      guard let worst else { return nil }
      let shown = all.filter { $0.verdict == worst }
      return .init(
        check, worst,
        shown.map(\.message).withoutDuplicates().joined(separator: "; "),
        remedy: shown.lazy.compactMap(\.remedy).first)
    }
  }
}
