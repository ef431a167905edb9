import Basics
import CurlTransport
import Engine
import FileStore
import Glibc
import IntegrationKit
import JSON
import RPC
import RateLimits
import Redaction
import Sandbox

/// The options that every subcommand with a host behind it takes, and the host they make.
enum CommonOptions {
  static let connections = Option(
    "--connections", "FILE", "connections (default: SALLYPORT_CONNECTIONS)")
  static let logLevel = Option(
    "--log-level", "L", "error, warning (default), info or debug, on stderr")

  static let list = [
    connections,
    Option("--sandbox", nil, "emulated vendors inside the process; no account needed"),
    Option("--sandbox-fault", "TEXT", "a bad day, such as 'coda: 429 every 10' (repeatable)"),
    Option(
      "--files-dir", "DIR", "keep files here, across processes (serve: until the end without it)"),
    Option("--state-dir", "DIR", "state that processes share: idempotency keys, rate limits"),
    Option("--read-only", nil, "refuse every command that changes something"),
    Option("--max-in-flight", "N", "requests under way at a time (default 64)"),
    Option("--max-line-bytes", "N", "bytes of one line of input (default 33554432)"),
    Option("--drain-timeout", "S", "seconds to finish requests at the end (default 30)"),
    Option(
      "--datetime-format", "FORMAT",
      "a form of times that is tried first, as strptime(3) has it: '%d.%m.%Y %H:%M'"),
    logLevel,
    Option("--audit", "FILE", "append a line of JSON for each command that ran"),
  ]

  /// The host that the options describe.
  ///
  /// - Parameters:
  ///   - filesByDefault: where files are kept unless --files-dir is given; nil for nowhere, once the
  ///     process has ended.
  static func engine(
    _ arguments: ParsedArguments, filesByDefault: String? = nil
  ) throws(UsageError) -> Engine {
    let redactor = Redactor()
    let log = Log(level: try logLevel(arguments)) { redactor.redact($0) }
    try setTimestampFormat(arguments)
    let catalogue = Integrations.catalogue
    let files = try files(arguments, byDefault: filesByDefault, log: log)
    let environment = ConnectionEnvironment(
      transport: CurlTransport(), secrets: redactor, log: log, files: files,
      limits: SharedRateLimits(log: log) { limitsDirectory(arguments) })
    let connections = ConnectionStore(catalogue, environment)
    try loadFile(arguments, into: connections, log: log)
    try startSandbox(arguments, into: connections)
    do throws(ConfigurationError) {
      var options = EngineOptions()
      options.isReadOnly = arguments.has("--read-only")
      return Engine(
        catalogue: catalogue, connections: connections, redactor: redactor, log: log,
        options: options,
        ledger: try IdempotencyLedger(directory: stateDirectory(arguments), log: log),
        files: files,
        audit: try arguments["--audit"].map { path throws(ConfigurationError) in
          try AuditFile(path, secrets: redactor, log: log)
        })
    } catch {
      throw UsageError(error)
    }
  }

  /// The store of files, which is closed when the process ends.
  private static func files(
    _ arguments: ParsedArguments, byDefault directory: String?, log: Log
  ) throws(UsageError) -> FileStore {
    let path = arguments["--files-dir"]
    do throws(FileError) {
      if path == nil, let directory { return FileStore(createdOnDemand: directory) }
      let files = try FileStore(directory: path)
      if files.isListableByOthers {
        log.warning("others can see the names of the files in \(path ?? ""): chmod 700 hides them")
      }
      EndOfProcess.add { files.close() }
      return files
    } catch {
      throw UsageError(
        "--files-dir: \(error)", remedy: "It takes a directory that can be written.")
    }
  }

  private static func logLevel(_ arguments: ParsedArguments) throws(UsageError) -> LogLevel {
    guard let name = arguments["--log-level"] else { return .warning }
    guard let level = LogLevel.allCases.first(where: { $0.name == name }) else {
      let names = LogLevel.allCases.map(\.name)
      throw UsageError(
        "--log-level takes \(names.joined(separator: ", ")), not \(name)",
        didYouMean: Suggestion.closest(to: name, among: names))
    }
    return level
  }

  private static func setTimestampFormat(_ arguments: ParsedArguments) throws(UsageError) {
    guard let pattern = arguments["--datetime-format"] else { return }
    do throws(TimestampFormat.FormatError) {
      TimestampKind.additionalFormat.set(try TimestampFormat(pattern))
    } catch {
      throw UsageError(
        "--datetime-format \(pattern): \(error.reason)",
        remedy: "Such as: --datetime-format '%d.%m.%Y %H:%M'")
    }
  }

  /// - Parameter waitsForAllAtEnd: unless --drain-timeout is given.
  static func limits(
    _ arguments: ParsedArguments, waitsForAllAtEnd: Bool = false
  ) throws(UsageError) -> ConnectionLimits {
    var limits = ConnectionLimits()
    limits.waitsForAllAtEnd = waitsForAllAtEnd && !arguments.has("--drain-timeout")
    limits.maximumInFlight =
      try arguments.integer("--max-in-flight", minimum: 1) ?? limits.maximumInFlight
    limits.maximumLineBytes =
      try arguments.integer("--max-line-bytes", minimum: 64) ?? limits.maximumLineBytes
    if let text = arguments["--drain-timeout"] {
      guard let seconds = Double(text), seconds >= 0, seconds <= 86_400 else {
        throw UsageError("--drain-timeout takes seconds, such as 30, not \(text)")
      }
      limits.drainTimeoutSeconds = seconds
    }
    return limits
  }

  private static func stateDirectory(
    _ arguments: ParsedArguments
  ) throws(ConfigurationError) -> String? {
    guard let path = arguments["--state-dir"] else { return nil }
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
      throw ConfigurationError("--state-dir: \(FileError(path: path, code: errno))")
    }
    return path
  }

  /// Where rate limits are shared; unlike idempotency keys also without --state-dir, since the
  /// vendor counts for all processes together. Nil where the user has no place for state.
  private static func limitsDirectory(_ arguments: ParsedArguments) -> String? {
    if let path = arguments["--state-dir"] { return path + "/limits" }
    // XDG Base Directory Specification: a relative path is to be ignored.
    if let state = getenv("XDG_STATE_HOME").map({ String(cString: $0) }), state.hasPrefix("/") {
      return "\(state)/\(Product.name)/limits"
    }
    guard let home = getenv("HOME").map({ String(cString: $0) }), home.hasPrefix("/") else {
      return nil
    }
    return "\(home)/.local/state/\(Product.name)/limits"
  }

  private static func loadFile(
    _ arguments: ParsedArguments, into connections: ConnectionStore, log: Log
  ) throws(UsageError) {
    // --sandbox is meant instead of the usual connections, unless a file is asked for beside it.
    let fromEnvironment =
      arguments.has("--sandbox")
      ? nil : getenv("SALLYPORT_CONNECTIONS").map { String(cString: $0) }
    guard let path = arguments["--connections"] ?? fromEnvironment, !path.isEmpty else { return }
    let content: [UInt8]
    do throws(FileError) {
      content = try FileDescriptor.readFile(path, limit: ConnectionStore.maximumFileBytes)
    } catch {
      throw UsageError("the connections file cannot be read: \(error)")
    }
    do throws(ConfigurationError) {
      try connections.load(content, named: path, isKept: true)
    } catch {
      throw UsageError(error)
    }
  }

  private static func startSandbox(
    _ arguments: ParsedArguments, into connections: ConnectionStore
  ) throws(UsageError) {
    guard arguments.has("--sandbox") else {
      if arguments.has("--sandbox-fault") { throw UsageError("--sandbox-fault needs --sandbox") }
      return
    }
    let sandbox = try SandboxCommand.start(arguments, port: 0)
    // A vendor may be emulated for which this build has no integration.
    let known = Set(Integrations.catalogue.integrations.map(\.id))
    do throws(ConfigurationError) {
      try connections.load(sandbox.oneConnection(ofEach: known).bytes, named: "sandbox")
    } catch {
      throw UsageError(error)
    }
  }
}
