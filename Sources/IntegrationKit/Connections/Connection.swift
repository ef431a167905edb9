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
    let stored: @Sendable (_ setting: String) async -> String?
    let lock:
      @Sendable (_ setting: String, _ deadline: Deadline) async throws(CommandError) -> Unlock

    /// Releases a lock.
    public typealias Unlock = @Sendable () async -> Void

    /// - Parameters:
    ///   - obstacle: why a new value of a setting could not be kept, or nil. Blocks.
    ///   - keep: keeps it, in a bounded time; returns why it did not, or nil.
    ///   - stored: the value of a setting as it is now; nil if it is not stored there.
    ///   - lock: locks a setting against other processes until the result is called.
    public init(
      obstacle: @escaping @Sendable (_ setting: String) -> String?,
      keep: @escaping @Sendable (_ setting: String, _ value: String) async -> String?,
      stored: @escaping @Sendable (_ setting: String) async -> String?,
      lock:
        @escaping @Sendable (
          _ setting: String, _ deadline: Deadline
        ) async throws(CommandError) -> Unlock
    ) {
      self.obstacle = obstacle
      self.keep = keep
      self.stored = stored
      self.lock = lock
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
    let secrets = Redactor(in: environment.secrets)
    self.secrets = secrets
    log = environment.log
    files = environment.files
    let proxy = try Self.proxy(definition)
    for secret in proxy?.secrets ?? [] { secrets.add(secret) }
    if case .literal(let password) = definition.tls?.clientKeyPassword { secrets.add(password) }
    channel = Channel(
      transport: environment.transport,
      route: TransportRoute(
        proxy: proxy, caFile: definition.tls?.caFile,
        clientCertificate: definition.tls?.clientCertificate,
        clientKey: definition.tls?.clientKey),
      clientKeyPassword: definition.tls?.clientKeyPassword.map {
        Self.password($0, secrets)
      },
      limiter: RateLimiter(
        try RateLimitSettings.read(definition.rateLimits), sharedIn: environment.limits),
      concurrency: ConcurrencyLimit(definition.maximumConcurrency.map { Int($0) }),
      secrets: secrets)
  }

  package var limiter: RateLimiter { channel.limiter }

  /// Requests of a command that may be sent at once within the limit that the connection sets, or its
  /// vendor; nil without a limit.
  public func requestsAtOnce(for command: String, _ quota: RateQuota? = nil) -> Int? {
    limiter.maximumAtOnce(for: command, quota)
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

  /// The value of a setting in the connection's file as it is now: another process, or a person, may
  /// have changed it. Nil if the value is in no file.
  public func stored(_ setting: String) async -> String? { await keeper?.stored(setting) }

  /// Runs `body` while no other process does so for the same setting, such as the exchange of a
  /// refresh token that is valid once.
  ///
  /// - Throws: `unavailable` if another process holds the lock until the deadline.
  public func exclusively<Value>(
    _ setting: String, in invocation: Invocation,
    _ body: () async throws(CommandError) -> Value
  ) async throws(CommandError) -> Value {
    guard let keeper else { return try await body() }
    let interest = FlightInterest.current
    interest?.setObstacle(.lockIsHeld(setting))
    defer { interest?.setObstacle(nil) }
    let unlock = try await keeper.lock(setting, invocation.deadline.current)
    interest?.setObstacle(nil)
    do throws(CommandError) {
      let value = try await body()
      await unlock()
      return value
    } catch {
      await unlock()
      throw error
    }
  }

  /// Why a new value of a setting could not be kept, or nil. Blocks.
  public func obstacle(toKeeping setting: String) -> String? {
    guard let keeper else { return Self.isInNoFile }
    return keeper.obstacle(setting)
  }

  private static let isInNoFile = "the connection is in no file"

  private static func password(
    _ reference: SecretReference, _ secrets: Redactor
  ) -> ClientKeyPassword {
    ClientKeyPassword { () async throws(CommandError) in
      do throws(SecretReference.Fault) {
        return try await reference.resolve(
          secrets, by: Deadline(inMilliseconds: SecretReference.commandMilliseconds))
      } catch {
        throw error.error(reading: "The setting tls.client_key_password")
      }
    }
  }

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

extension CommandError {
  /// Another process uses a setting until the deadline.
  package static func lockIsHeld(_ setting: String) -> CommandError {
    CommandError(
      .unavailable, "Another process exchanges the \(setting) of the connection.",
      isRetryable: true, remedy: "Try again.")
  }
}

/// What all connections of a process share.
public struct ConnectionEnvironment: Sendable {
  public package(set) var transport: any Transport
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
