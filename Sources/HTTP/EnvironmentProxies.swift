import Basics

/// The proxies of the environment: `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy`, with the
/// rules of curl(1).
///
/// The host reads them, not libcurl: its errors quote pieces of a password that it cannot parse.
package struct EnvironmentProxies: Sendable {
  package enum Choice: Sendable {
    case none
    case proxy(ProxyURL)
    /// Why a variable cannot be used, without its value.
    case invalid(reason: String)
  }

  private let forHTTPS: Choice
  private let forHTTP: Choice
  /// Hosts that are reached without a proxy, as in `no_proxy`.
  package let exceptions: String
  /// The passwords of all variables, as written and percent-decoded.
  package let secrets: [String]

  package static let none = EnvironmentProxies { _ in nil }

  /// - Parameter value: of a variable.
  package init(_ value: (String) -> String?) {
    // In upper case a web server may have set it from a header of a client.
    forHTTP = Self.choice(["http_proxy", "all_proxy", "ALL_PROXY"], value)
    forHTTPS = Self.choice(["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"], value)
    exceptions = value("no_proxy") ?? value("NO_PROXY") ?? ""
    secrets = ["http_proxy", "https_proxy", "all_proxy"]
      .flatMap { [$0, $0.uppercased()] }
      .flatMap { value($0).map(ProxyURL.secrets) ?? [] }
  }

  package func choice(for url: String) -> Choice {
    url.hasPrefix("https:") ? forHTTPS : forHTTP
  }

  /// Of the first variable that is set. An empty one means no proxy.
  private static func choice(_ names: [String], _ value: (String) -> String?) -> Choice {
    guard let name = names.first(where: { value($0) != nil }), let text = value(name),
      !text.isEmpty
    else { return .none }
    do throws(BaseURL.InvalidURL) {
      return .proxy(try ProxyURL(text.contains("://") ? text : "http://\(text)"))
    } catch {
      return .invalid(reason: "the environment variable \(name) \(error.reason)")
    }
  }
}
