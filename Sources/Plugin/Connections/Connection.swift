import Basics
import HTTP

/// A connection in use: what its requests share.
public final class Connection: Sendable {
  /// Nil for one that a caller gave inline.
  public let name: String?
  public let definition: ConnectionDefinition
  public let transport: any Transport
  public let route: TransportRoute
  public let limiter: RateLimiter
  public let secrets: SecretScrubber
  public let log: Log
  public let files: FileStore
  let slots: OptionalSlots
  /// Nil for a connection that is in no file.
  private let keeper: Keeper?

  /// Writes a new value of a setting to where the connection was read; blocks.
  public typealias Keeper = @Sendable (_ setting: String, _ value: String) -> Void

  /// - Throws: faults in `proxy` and `rate_limits`.
  public init(
    name: String?, _ definition: ConnectionDefinition, environment: ConnectionEnvironment,
    keeper: Keeper? = nil
  ) throws(ParameterProblems) {
    self.keeper = keeper
    self.name = name
    self.definition = definition
    transport = environment.transport
    secrets = environment.secrets
    log = environment.log
    files = environment.files
    let proxy = try Self.proxy(definition)
    for password in proxy?.passwords ?? [] { secrets.add(password) }
    route = TransportRoute(
      proxy: proxy?.text, caFile: definition.tls?.caFile,
      clientCertificate: definition.tls?.clientCertificate,
      clientKey: definition.tls?.clientKey)
    limiter = RateLimiter(
      try RateLimitSettings.read(definition.rateLimits), sharedIn: environment.limits)
    slots = OptionalSlots(definition.maximumConcurrency.map { Int($0) })
  }

  /// Whether requests of a command are held to a rate that the connection sets, or its vendor.
  public func hasRateLimit(for command: String, _ quota: RateQuota? = nil) -> Bool {
    limiter.hasLimit(for: command, quota)
  }

  /// Keeps a setting that the vendor has issued anew, such as a refresh token, for the next start
  /// too. Of a connection that is in no file nothing is kept; the client has it in memory.
  public func keep(_ setting: StaticString, _ value: String) async {
    guard let keeper else { return }
    await withCheckedContinuation { continuation in
      NamedThread.start("connections") {
        keeper("\(setting)", value)
        continuation.resume()
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

/// What all connections of a process share.
public struct ConnectionEnvironment: Sendable {
  public let transport: any Transport
  public let secrets: SecretScrubber
  public let log: Log
  public let files: FileStore
  public let limits: SharedRateLimits

  public init(
    transport: any Transport, secrets: SecretScrubber, log: Log, files: FileStore,
    limits: SharedRateLimits = .inProcess
  ) {
    self.transport = transport
    self.secrets = secrets
    self.log = log
    self.files = files
    self.limits = limits
  }
}

/// A semaphore where a maximum is set.
struct OptionalSlots: Sendable {
  private let semaphore: TaskSemaphore?

  init(_ maximum: Int?) { semaphore = maximum.map { TaskSemaphore($0) } }

  var areLimited: Bool { semaphore != nil }

  /// Whether there is a free one, or no maximum.
  func tryAcquireIfLimited() -> Bool { semaphore?.tryAcquire() ?? true }

  func acquireIfLimited(until deadline: Deadline) async -> Bool {
    guard let semaphore else { return true }
    return await semaphore.acquire(until: deadline)
  }

  func releaseIfLimited() { semaphore?.release() }
}
