import Basics
import Delivery
import FileStore
import HTTP
import RateLimits
import Redaction

/// A connection in use: what its requests share.
public final class Connection: Sendable {
  /// Nil for one that a caller gave inline.
  public let name: String?
  public let definition: ConnectionDefinition
  package let channel: Channel
  /// The secrets of the connection: its settings, and its tokens.
  public let secrets: Redactor
  public let log: Log
  package let files: FileStore
  /// Nil for a connection that is in no file.
  private let keeper: Keeper?

  /// Where a connection was read, to keep new values of its settings there.
  public struct Keeper: Sendable {
    let obstacle: @Sendable (_ setting: String) -> String?
    let keep: @Sendable (_ setting: String, _ value: String) async -> String?

    /// - Parameters:
    ///   - obstacle: why a new value of a setting could not be kept, or nil. Blocks.
    ///   - keep: keeps it, in a bounded time; returns why it did not, or nil.
    public init(
      obstacle: @escaping @Sendable (_ setting: String) -> String?,
      keep: @escaping @Sendable (_ setting: String, _ value: String) async -> String?
    ) {
      self.obstacle = obstacle
      self.keep = keep
    }
  }

  /// - Throws: faults in `proxy` and `rate_limits`.
  public init(
    name: String?, _ definition: ConnectionDefinition, environment: ConnectionEnvironment,
    keeper: Keeper? = nil
  ) throws(ParameterProblems) {
    self.keeper = keeper
    self.name = name
    self.definition = definition
    secrets = Redactor(in: environment.secrets)
    log = environment.log
    files = environment.files
    let proxy = try Self.proxy(definition)
    for password in proxy?.passwords ?? [] { secrets.add(password) }
    channel = Channel(
      transport: environment.transport,
      route: TransportRoute(
        proxy: proxy?.text, caFile: definition.tls?.caFile,
        clientCertificate: definition.tls?.clientCertificate,
        clientKey: definition.tls?.clientKey),
      limiter: RateLimiter(
        try RateLimitSettings.read(definition.rateLimits), sharedIn: environment.limits),
      concurrency: ConcurrencyLimit(definition.maximumConcurrency.map { Int($0) }),
      secrets: secrets)
  }

  package var limiter: RateLimiter { channel.limiter }

  /// Whether requests of a command are held to a rate that the connection sets, or its vendor.
  public func hasRateLimit(for command: String, _ quota: RateQuota? = nil) -> Bool {
    limiter.hasLimit(for: command, quota)
  }

  /// Keeps a setting that the vendor has issued anew, such as a refresh token, for the next start
  /// too. Of a connection that is in no file nothing is kept; the client has it in memory.
  ///
  /// - Returns: why it is not kept, or nil.
  @discardableResult
  public func keep(_ setting: String, _ value: String) async -> String? {
    guard let keeper else { return Self.isInNoFile }
    // Also for a caller that is cancelled: the old value may not work any more.
    return await Task.detached { await keeper.keep(setting, value) }.value
  }

  /// Why a new value of a setting could not be kept, or nil. Blocks.
  public func obstacle(toKeeping setting: String) -> String? {
    guard let keeper else { return Self.isInNoFile }
    return keeper.obstacle(setting)
  }

  private static let isInNoFile = "the connection is in no file"

  private static func proxy(
    _ definition: ConnectionDefinition
  ) throws(ParameterProblems) -> ProxyURL? {
    guard let text = definition.proxy else { return nil }
    do {
      return try ProxyURL(text)
    } catch {
      throw ParameterProblems(
        ParameterProblem(error.reason, at: "proxy"), of: ConnectionDefinition.shape)
    }
  }
}

/// What all connections of a process share.
public struct ConnectionEnvironment: Sendable {
  public let transport: any Transport
  public let secrets: Redactor
  public let log: Log
  package let files: FileStore
  package let limits: SharedRateLimits

  package init(
    transport: any Transport, secrets: Redactor, log: Log, files: FileStore,
    limits: SharedRateLimits = .inProcess
  ) {
    self.transport = transport
    self.secrets = secrets
    self.log = log
    self.files = files
    self.limits = limits
  }
}
