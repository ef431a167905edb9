import Basics
import CurlTransport
import Engine
import FileStore
import Glibc
import HTTP
import IntegrationKit
import JSON
import RPC
import RateLimits
import Redaction
import Sandbox

/// The options shared by all subcommands that run a host, and the construction of the host.
enum CommonOptions {
  static let connections = Option(
    "--connections", "FILE", "connections (default: SALLYPORT_CONNECTIONS)")
  static let allowCoreDumps = Option(
    "--allow-core-dumps", nil, "allow core dumps, which contain secrets")

  static let list =
    [
      connections,
      Option("--sandbox", nil, "use emulated vendors; no account needed"),
      Option(
        "--sandbox-fault", "TEXT", "inject a fault, such as 'coda: 429 every 10' (repeatable)"),
      Option(
        "--files-dir", "DIR", "directory of stored files; otherwise serve deletes them on exit"),
      Option("--state-dir", "DIR", "state shared between processes: idempotency keys, rate limits"),
      Option("--read-only", nil, "reject commands that change data"),
      Option("--max-in-flight", "N", "maximum number of requests in flight (default 64)"),
      Option(
        "--max-line-bytes", "N", "maximum length of an input line in bytes (default 33554432)"),
      Option(
        "--max-result-bytes", "N",
        "maximum memory of one result, and of the responses of batches, in bytes (default 67108864)"
      ),
      Option("--drain-timeout", "S", "seconds to finish requests before exit (default 30)"),
      Option(
        "--datetime-format", "FORMAT",
        "strptime(3) format that is tried first for times: '%d.%m.%Y %H:%M'"),
    ] + PluginOptions.list + LogOptions.list + AuditFileOptions.list + [allowCoreDumps]

  /// Creates the host from the options.
  ///
  /// - Parameters:
  ///   - filesByDefault: the directory of files, unless --files-dir is given; nil to delete files on
  ///     exit.
  ///   - waits: where waits are noted; nil for nowhere.
  ///   - lines: opens the ledger of the lines of request files. Called last, when all options are valid.
  static func engine(
    _ arguments: ParsedArguments, filesByDefault: String? = nil, waits: Waits? = nil,
    lines openLines: () throws(UsageError) -> LineLedger? = { nil }
  ) throws(UsageError) -> Engine {
    let environment = try environment(arguments, filesByDefault: filesByDefault).environment
    let (redactor, log, files) = (environment.secrets, environment.log, environment.files)
    let catalogue = Integrations.catalogue
    let spans = try TelemetryOptions.exporter(
      arguments, through: environment.transport, log: log)
    let connections = ConnectionStore(catalogue, environment)
    let fences = try FenceOptions.read(arguments)
    try loadFile(arguments, into: connections)
    try startSandbox(arguments, into: connections)
    var options = EngineOptions()
    options.isReadOnly = arguments.has("--read-only")
    options.maximumResultBytes = try limits(arguments).maximumResultBytes
    options.fences = fences
    let auditFile = try AuditFileOptions.read(arguments)
    options.waits = waits
    let keys: IdempotencyLedger
    let audit: AuditFile?
    do throws(ConfigurationError) {
      options.stateDirectory = try stateDirectory(arguments, log)
      keys = try IdempotencyLedger(directory: options.stateDirectory, log: log)
      audit = try auditFile.map { file throws(ConfigurationError) in
        try AuditFile(file.path, file.options, secrets: redactor, log: log)
      }
    } catch {
      throw UsageError(error)
    }
    let lines = try openLines()
    return Engine(
      catalogue: catalogue, connections: connections, redactor: redactor, log: log,
      options: options,
      // Keys of callers must survive a crash, too.
      ledger: arguments.has("--state-dir") ? keys : lines?.ledger ?? keys, lines: lines,
      files: files, audit: audit, spans: spans)
  }

  /// What all connections share. Starts the threads of tasks, and makes plugins known.
  static func environment(
    _ arguments: ParsedArguments, filesByDefault: String?
  ) throws(UsageError) -> (environment: ConnectionEnvironment, proxies: EnvironmentProxies) {
    let code = TaskPool.shared.start()
    guard code == 0 else {
      throw UsageError(
        "the host cannot start a thread: \(String(cString: strerror(code)))",
        remedy: "Raise the limit of processes of this user (ulimit -u).")
    }
    try LogOptions.read(arguments)
    let (redactor, log) = (HostLog.redactor, HostLog.log)
    let proxies = EnvironmentProxies { getenv($0).map { String(cString: $0) } }
    proxies.secrets.forEach(redactor.add)
    try setTimestampFormat(arguments)
    try PluginOptions.install(arguments)
    let environment = ConnectionEnvironment(
      transport: CurlTransport(proxies), secrets: redactor, log: log,
      files: try files(arguments, byDefault: filesByDefault, log: log),
      limits: SharedRateLimits(log: log) { limitsDirectory(arguments) })
    return (environment, proxies)
  }

  /// The path of the connections file; nil if there is none.
  static func connectionsPath(_ arguments: ParsedArguments) -> String? {
    // --sandbox replaces the connections of the environment. A file given explicitly is loaded too.
    let fromEnvironment =
      arguments.has("--sandbox")
      ? nil : getenv("SALLYPORT_CONNECTIONS").map { String(cString: $0) }
    let path = arguments[connections.name] ?? fromEnvironment
    return path?.isEmpty == false ? path : nil
  }

  /// The file store. It is closed on exit.
  private static func files(
    _ arguments: ParsedArguments, byDefault directory: String?, log: Log
  ) throws(UsageError) -> FileStore {
    BlockingWork.files.submit { FileStore.removeAbandoned() }
    let path = arguments["--files-dir"]
    do throws(FileError) {
      if path == nil, let directory { return FileStore(createdOnDemand: directory) }
      let files = try FileStore(directory: path)
      if let path { try TrustedFile.checkDirectory(path) { log.warning($0) } }
      if files.isListableByOthers {
        log.warning("other users can list the files in \(path ?? ""); run chmod 700 on it")
      }
      EndOfProcess.add { files.close() }
      return files
    } catch {
      throw UsageError(
        "--files-dir: \(error)", remedy: "Use a writable directory.")
    }
  }

  private static func setTimestampFormat(_ arguments: ParsedArguments) throws(UsageError) {
    guard let pattern = arguments["--datetime-format"] else { return }
    do throws(TimestampFormat.FormatError) {
      TimestampType.additionalFormat.set(try TimestampFormat(pattern))
    } catch {
      throw UsageError(
        "--datetime-format \(pattern): \(error.reason)",
        remedy: "Example: --datetime-format '%d.%m.%Y %H:%M'")
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
    limits.maximumResultBytes =
      try arguments.integer("--max-result-bytes", minimum: 1_024) ?? limits.maximumResultBytes
    if let text = arguments["--drain-timeout"] {
      guard let seconds = Double(text), seconds >= 0, seconds <= 86_400 else {
        throw UsageError(
          "--drain-timeout must be a number of seconds from 0 to 86400, not \"\(text)\"")
      }
      limits.drainTimeoutSeconds = seconds
    }
    return limits
  }

  private static func stateDirectory(
    _ arguments: ParsedArguments, _ log: Log
  ) throws(ConfigurationError) -> String? {
    guard let path = arguments["--state-dir"] else { return nil }
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
      throw ConfigurationError("--state-dir: \(FileError(path: path, code: errno))")
    }
    do throws(FileError) {
      try TrustedFile.checkDirectory(path) { log.warning($0) }
    } catch {
      throw ConfigurationError("--state-dir: \(error)")
    }
    return path
  }

  /// The directory of shared rate limits. Unlike idempotency keys, rate limits are shared also
  /// without --state-dir, because the vendor counts the requests of all processes. Nil if no state
  /// directory can be determined.
  private static func limitsDirectory(_ arguments: ParsedArguments) -> String? {
    if let path = arguments["--state-dir"] { return path + "/limits" }
    // XDG Base Directory Specification: ignore relative paths.
    if let state = getenv("XDG_STATE_HOME").map({ String(cString: $0) }), state.hasPrefix("/") {
      return "\(state)/\(Product.name)/limits"
    }
    guard let home = getenv("HOME").map({ String(cString: $0) }), home.hasPrefix("/") else {
      return nil
    }
    return "\(home)/.local/state/\(Product.name)/limits"
  }

  private static func loadFile(
    _ arguments: ParsedArguments, into connections: ConnectionStore
  ) throws(UsageError) {
    guard let path = connectionsPath(arguments) else { return }
    do throws(ConfigurationError) {
      let rejected = try connections.load(
        ConfiguredConnections(
          path: path,
          leavesOutUnknown: Integrations.plugins.value != nil
            && !arguments.has(PluginOptions.strict.name)))
      guard rejected.isEmpty else {
        throw ConfigurationError(
          problems: rejected.flatMap(\.lines).map { "\(path): \($0)" })
      }
    } catch {
      throw UsageError(error)
    }
  }

  /// Starts the emulated vendors.
  ///
  /// - Returns: a connections file for them; nil without --sandbox.
  static func startSandbox(_ arguments: ParsedArguments) throws(UsageError) -> [UInt8]? {
    guard arguments.has("--sandbox") else {
      if arguments.has("--sandbox-fault") { throw UsageError("--sandbox-fault requires --sandbox") }
      return nil
    }
    let sandbox = try SandboxCommand.start(arguments, port: 0)
    // The sandbox may emulate a vendor without an integration in this build.
    let known = Set(Integrations.inExecutable.map(\.id))
    return sandbox.oneConnection(ofEach: known).bytes
  }

  private static func startSandbox(
    _ arguments: ParsedArguments, into connections: ConnectionStore
  ) throws(UsageError) {
    guard let content = try startSandbox(arguments) else { return }
    do throws(ConfigurationError) {
      try connections.load(content, named: "sandbox")
    } catch {
      throw UsageError(error)
    }
  }
}
