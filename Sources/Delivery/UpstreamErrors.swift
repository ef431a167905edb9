import Basics
import HTTP
import JSON
import RateLimits

extension CommandError {
  /// A response with an error status.
  ///
  /// - Parameters:
  ///   - message: nil for the reason phrase of the status. A page says that it is one.
  ///   - refusal: if the vendor refused the request for its rate; nil to decide by the status.
  public static func upstream(
    _ response: HTTPResponse, message: String? = nil, refusal: RateRefusal? = nil,
    outcome: Outcome = .notApplied, remedy: String? = nil
  ) -> CommandError {
    let retryAfter = refusal?.retryAfter ?? response.retryAfter
    return CommandError(
      refusal == nil ? Kind(status: response.status) : .rateLimited,
      statusCode: response.status,
      withNote(of: retryAfter, message ?? reason(of: response)),
      isRetryable: refusal?.isRetryable ?? HTTPStatus.isTransient(response.status),
      retryAfterMilliseconds: retryAfter?.milliseconds ?? response.rateWaitMilliseconds,
      outcome: outcome, remedy: message == nil ? self.remedy(of: response) ?? remedy : remedy,
      upstream: response.excerpt)
  }

  private static func reason(of response: HTTPResponse) -> String {
    "\(HTTPStatus.reason(response.status))." + note(of: response)
  }

  fileprivate static func note(of response: HTTPResponse) -> String {
    response.isPage ? " The response is a page, not one of the API." : ""
  }

  /// The remedy of a response that is not one of the API, whose own errors it cannot mean.
  private static func remedy(of response: HTTPResponse) -> String? {
    // Of another path or server.
    guard response.isPage, response.status != 404 else { return nil }
    return "A firewall, a proxy or another server sent the page, which is in upstream. Check the "
      + "URL of the connection, and whether a firewall blocks this machine."
  }

  /// Says that a wait which the vendor asked for is not taken as it is.
  public static func withNote(of retryAfter: RetryAfter?, _ message: String) -> String {
    guard retryAfter?.isReduced == true else { return message }
    return sentence(message)
      + " The vendor asks for a wait of more than an hour, which counts as an hour."
  }

  public static func timeout(_ what: String, outcome: Outcome) -> CommandError {
    CommandError(
      .timeout, "\(what) took longer than the deadline allowed.", isRetryable: true,
      outcome: outcome, remedy: "Raise options.timeout_ms, or ask for less at a time.")
  }

  public static func cancelled(outcome: Outcome) -> CommandError {
    CommandError(.cancelled, "The request was cancelled.", isRetryable: false, outcome: outcome)
  }

  /// A redirect that is not followed. Without the body, which repeats the address with its query.
  ///
  /// - Parameter location: of the response.
  static func redirect(
    _ response: HTTPResponse, to location: String, of request: HTTPRequest
  ) -> CommandError {
    let isSameOrigin = BaseURL.of(request.url)?.isSameOrigin(location) ?? false
    let isRelative = !location.contains("//")
    var error = CommandError(
      .upstream, statusCode: response.status,
      "The vendor redirects to \(Redirect.shown(location)).",
      remedy: isSameOrigin || isRelative
        ? "Check the server URL of the connection. A request that may change something is repeated "
          + "only for a redirect with status 307 or 308."
        : "Check the server URL of the connection. A redirect to another origin is not followed.")
    error.concernsSignIn = request.isSecret
    return error
  }

  /// A phrase of a library as a sentence; some of its phrases are one already.
  private static func sentence(_ phrase: String) -> String {
    let isEnded = phrase.last.map { ".!?".contains($0) } ?? false
    return phrase.prefix(1).uppercased() + phrase.dropFirst() + (isEnded ? "" : ".")
  }

  /// A result above `--max-result-bytes`.
  public static func tooLarge(maximumBytes: Int, outcome: Outcome) -> CommandError {
    CommandError(
      .tooLarge, "The result exceeds \(maximumBytes) bytes.", outcome: outcome,
      remedy: "Use options.stream, narrow the request, or raise --max-result-bytes.")
  }

  /// A transport error.
  ///
  /// - Parameter outcome: for errors after which the request may have arrived.
  public static func transport(_ error: TransportError, outcome: Outcome) -> CommandError {
    var failure = failure(of: error, outcome)
    if let remedy = error.remedy { failure.remedy = remedy }
    return failure
  }

  /// The kind of the error of a request without a response.
  package static func kind(of error: TransportError.Kind) -> Kind {
    failure(of: TransportError(error, "", mayHaveArrived: false), .notApplied).kind
  }

  private static func failure(of error: TransportError, _ outcome: Outcome) -> CommandError {
    let reason = sentence(error.reason)
    switch error.kind {
    case .cannotConnect:
      return CommandError(
        .network, reason, isRetryable: true,
        remedy: "Check the server URL, the network and the proxy of the connection.")
    case .tls:
      return CommandError(
        .network, reason,
        remedy: "Check the server's certificate, and tls.ca_file when it is signed privately.")
    case .caFile:
      return CommandError(.network, reason, remedy: "Check tls.ca_file of the connection.")
    case .clientCertificate:
      return CommandError(
        .network, reason,
        remedy: "Check tls.client_certificate, tls.client_key and tls.client_key_password of the "
          + "connection.")
    case .timedOut:
      return CommandError(
        .timeout, reason, isRetryable: true, outcome: outcome,
        remedy: "Raise options.timeout_ms, or ask for less at a time.")
    case .refused:
      return CommandError(.network, reason, isRetryable: true)
    case .interrupted:
      return CommandError(.network, reason, isRetryable: true, outcome: outcome)
    case .undecodable:
      return CommandError(
        .upstream, reason, outcome: outcome,
        remedy: "Correct the Content-Encoding header at the server, or at the proxy before it.")
    case .responseTooLarge:
      return CommandError(
        .tooLarge, reason, outcome: outcome, remedy: "Ask for less at a time, such as one page.")
    case .proxy:
      return CommandError(.network, reason, remedy: "Check the proxy of the connection.")
    case .invalidURL, .tooManyRedirects:
      return CommandError(.network, reason, remedy: "Check the server URL of the connection.")
    case .cancelled:
      return .cancelled(outcome: outcome)
    case .unavailable:
      return CommandError(
        .unavailable, reason, remedy: "Install libcurl (Debian: libcurl4) on this machine.")
    case .shortage:
      return CommandError(
        .unavailable, reason, isRetryable: true, outcome: outcome,
        remedy: "Raise this user's limits of descriptors and processes (ulimit -n, ulimit -u).")
    }
  }
}

extension HTTPResponse {
  /// The Retry-After header.
  public var retryAfter: RetryAfter? {
    header("retry-after").flatMap {
      RetryAfter($0, nowMilliseconds: WallClock.nowMilliseconds)
    }
  }

  /// Bytes of a vendor's error body that an error quotes at most.
  static let excerptBytes = 8_192

  /// The body for an error: as JSON if it is JSON and not long, otherwise as a string.
  var excerpt: JSONFragment? {
    if body.isEmpty { return nil }
    if body.count <= Self.excerptBytes, let json = try? json() {
      return JSONFragment(json)
    }
    return JSONFragment { $0.string(utf8: body.prefix(Self.excerptBytes)) }
  }
}

extension Sender {
  /// Bytes of a body that an error quotes if it is not a response of the API.
  private static let quotedBytes = 500

  /// The body of a response as JSON; null if it is empty.
  ///
  /// - Parameter remedy: of the error, if it is not JSON.
  package func json(
    of response: HTTPResponse, remedy: String
  ) throws(CommandError) -> JSON {
    if response.body.isEmpty { return JSONFragment.null.json }
    do throws(JSONError) {
      return try response.json()
    } catch {
      throw withRemedy(bodyIsNotJSON(response, error, remedy: remedy))
    }
  }

  /// The error of a successful response whose body is not JSON.
  ///
  /// - Parameter remedy: if the response is one of another server.
  package func bodyIsNotJSON(
    _ response: HTTPResponse, _ error: JSONError, remedy: String
  ) -> CommandError {
    if error.code == .tooManyValues {
      return CommandError(
        .tooLarge, "The vendor's response has \(error.reason).", outcome: outcomeAfterSending,
        remedy: "Ask for less at a time, such as one page.")
    }
    return unusable(
      response, "The vendor's response is not JSON: \(error)." + CommandError.note(of: response),
      remedy: response.looksLikeJSON
        ? "The vendor, or a proxy before it, sends damaged JSON. Report the byte to its operator."
        : remedy)
  }

  /// The error of a successful response that is not one of the API. Quotes the start of its body.
  package func unusable(
    _ response: HTTPResponse, _ message: String, remedy: String
  ) -> CommandError {
    CommandError(
      .upstream, message, outcome: outcomeAfterSending, remedy: remedy,
      upstream: JSONFragment {
        $0.object {
          $0.member("status", response.status)
          $0.name("body")
          $0.string(utf8: excerpt(of: response.body, bytes: Self.quotedBytes))
        }
      })
  }
}
