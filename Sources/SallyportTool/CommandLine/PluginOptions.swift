import Basics
import Engine
import Glibc
import IntegrationKit
import PluginHost

/// The options for plugins.
enum PluginOptions {
  static let directory = Option(
    "--plugins", "DIR", "plugins below DIR (repeatable; default: SALLYPORT_PLUGINS)")
  static let strict = Option(
    "--strict-plugins", nil, "exit with 2 if a plugin cannot be used; otherwise it is left out")
  static let list = [directory, strict]

  /// Reads the options of a command line that is parsed later, because its other options depend on the
  /// plugins.
  static func install(from words: [String], trace: PluginTrace? = nil) throws(UsageError) {
    LogOptions.read(from: words)
    try install(
      given(words), isStrict: words.contains(strict.name), maximumResultBytes: nil, trace: trace)
  }

  /// Makes the plugins part of the catalogue. They are read in the background.
  static func install(_ arguments: ParsedArguments) throws(UsageError) {
    try install(
      arguments.all(directory.name), isStrict: arguments.has(strict.name),
      maximumResultBytes: try CommonOptions.limits(arguments).maximumResultBytes)
  }

  private static func install(
    _ given: [String], isStrict: Bool, maximumResultBytes: Int?, trace: PluginTrace? = nil
  ) throws(UsageError) {
    guard Integrations.plugins.value == nil else { return }
    let directories = try directories(given)
    guard !directories.isEmpty else { return }
    let plugins = try plugins(
      in: directories, maximumResultBytes: maximumResultBytes, trace: trace)
    install(plugins)
    plugins.prepare()
    guard isStrict else { return }
    let problems = plugins.problems
    guard problems.isEmpty else {
      throw UsageError(
        TerminalText(lines: problems.joined(separator: "\n")),
        remedy: "Correct the plugins, or start without --strict-plugins.")
    }
  }

  /// Makes the plugins with a lock part of the catalogue, and starts none.
  static func installLocked(from words: [String]) throws(UsageError) {
    let directories = try directories(given(words))
    guard !directories.isEmpty else { return }
    install(try plugins(in: directories, maximumResultBytes: nil, leavesOutUnlocked: true))
  }

  /// The values of --plugins.
  private static func given(_ words: [String]) -> [String] {
    var given: [String] = []
    for (position, word) in words.enumerated() {
      if word == directory.name, position + 1 < words.count {
        given.append(words[position + 1])
      } else if word.hasPrefix(directory.name + "=") {
        given.append(String(word.dropFirst(directory.name.count + 1)))
      }
    }
    return given
  }

  /// Makes plugins part of the catalogue of this process.
  static func install(_ plugins: PluginSet) {
    Integrations.plugins.set(plugins)
    EndOfProcess.add { plugins.close() }
  }

  /// - Returns: those of SALLYPORT_PLUGINS if none is given.
  static func directories(_ given: [String]) throws(UsageError) -> [String] {
    for directory in given where access(directory, R_OK | X_OK) != 0 {
      throw UsageError("--plugins: \(FileError(path: directory, code: errno))")
    }
    let inherited = getenv("SALLYPORT_PLUGINS").map { String(cString: $0) } ?? ""
    return given.isEmpty ? inherited.split(separator: ":").map(String.init) : given
  }

  static func plugins(
    in directories: [String], maximumResultBytes: Int?, ignoringLocks: Bool = false,
    leavesOutUnlocked: Bool = false, trace: PluginTrace? = nil
  ) throws(UsageError) -> PluginSet {
    let code = TaskPool.shared.start()
    guard code == 0 else {
      throw UsageError("the host cannot start a thread: \(String(cString: strerror(code)))")
    }
    return PluginSet(
      directories, taken: Set(Integrations.inExecutable.map(\.id)),
      context: PluginContext(
        log: HostLog.log,
        maximumResultBytes: maximumResultBytes ?? ResultMemory.defaultResultBytes, trace: trace),
      ignoresLocks: ignoringLocks, leavesOutUnlocked: leavesOutUnlocked)
  }
}
