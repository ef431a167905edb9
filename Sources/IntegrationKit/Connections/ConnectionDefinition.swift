import Basics
import HTTP
import JSON
import RateLimits

/// One connection as a file or a caller gives it.
public struct ConnectionDefinition: ParameterObject {
  public static let naming = ParameterShape.Naming.verbatim
  public static let shape = ParameterShape(of: ConnectionDefinition.self)

  public let integration: String
  /// Read by the integration, which knows its members.
  public let settings: JSON
  public let description: String?
  public let isActive: Bool
  public let proxy: String?
  public let tls: TLSSettings?
  public let policy: ConnectionPolicy?
  public let healthCheck: HealthCheckSettings?
  /// By command id, bucket or "default".
  public let rateLimits: JSON?
  public let maximumConcurrency: Int64?

  public init(_ members: inout ParamReader) {
    integration = members.required("integration", .text, "The id of the integration.")
    settings = members.required(
      "settings", .jsonObject, "What the integration needs to reach the vendor.")
    description = members.optional("description", .text, "For people.")
    isActive = members.optional(
      "active", .boolean, "Whether the connection may be used.", default: true)
    proxy = members.optional(
      "proxy", .text(maximumCharacters: 2_048),
      "URL of a proxy: http://, https:// or socks5h://. Only in a connections file.")
    tls = members.optional(
      "tls", .object(TLSSettings.self), "Certificates. Only in a connections file.")
    policy = members.optional("policy", .object(ConnectionPolicy.self), "Which commands may run.")
    healthCheck = members.optional(
      "health_check", .object(HealthCheckSettings.self), "A schedule for Test Connection.")
    rateLimits = members.optional(
      "rate_limits", .jsonObject,
      #"By command id, bucket or "default": {"requests":10,"per_seconds":1}."#)
    maximumConcurrency = members.optional(
      "max_concurrency", .integer(from: 1, to: 10_000), "Requests to the vendor at a time.")
  }
}

public struct TLSSettings: ParameterObject {
  public static let naming = ParameterShape.Naming.verbatim
  public let caFile: String?
  public let clientCertificate: String?
  public let clientKey: String?
  public let clientKeyPassword: SecretReference?

  public init(_ members: inout ParamReader) {
    caFile = members.optional(
      "ca_file", .text, "PEM file of certificate authorities to trust instead of the system's.")
    clientCertificate = members.optional(
      "client_certificate", .text, "PEM file with the client's certificate.")
    clientKey = members.optional("client_key", .text, "PEM file with the client's private key.")
    clientKeyPassword = members.optional(
      "client_key_password", .secret, "Password of the client's private key, if it is encrypted.")
    if clientKey != nil, clientCertificate == nil {
      members.refuse("client_key", ParameterProblem("requires client_certificate"))
    }
  }
}

public struct HealthCheckSettings: ParameterObject {
  public static let naming = ParameterShape.Naming.verbatim
  public let intervalMinutes: Int64
  public let notifyAfterFailures: Int64

  public init(_ members: inout ParamReader) {
    intervalMinutes = members.optional(
      "interval_minutes", .integer(from: 1, to: 10_080), "Minutes between two checks.", default: 5)
    notifyAfterFailures = members.optional(
      "notify_after_failures", .integer(from: 1, to: 1_000),
      "Failures in a row before a notification.",
      default: 1)
  }
}

struct RateLimitSettings: ParameterObject {
  static let naming = ParameterShape.Naming.verbatim
  static let shape = ParameterShape(of: RateLimitSettings.self)
  let requests: Int64
  let perSeconds: Double

  init(_ members: inout ParamReader) {
    requests = members.required(
      "requests", .integer(from: 1, to: 1_000_000), "Requests in each window.")
    perSeconds = members.required("per_seconds", .positiveNumber, "Length of the window.")
  }

  /// Reads the object of limits by command.
  static func read(_ limits: JSON?) throws(ParameterProblems) -> [String: RateLimit] {
    var read: [String: RateLimit] = [:]
    guard let limits else { return read }
    for member in limits.members {
      let name = member.name.string ?? ""
      do throws(ParameterProblems) {
        let settings = try shape.decode(member.value) { RateLimitSettings(&$0) }
        read[name] = RateLimit(
          requests: Int(settings.requests), perSeconds: settings.perSeconds)
      } catch {
        throw error.inside(name).inside("rate_limits")
      }
    }
    return read
  }
}
