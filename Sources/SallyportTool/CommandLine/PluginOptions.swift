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
  static func install(from words: [String]) throws(UsageError) {
    var directories: [String] = []
    for (position, word) in words.enumerated() {
      if word == directory.name, position + 1 < words.count {
        directories.append(words[position + 1])
      } else if word.hasPrefix(directory.name + "=") {
        directories.append(String(word.dropFirst(directory.name.count + 1)))
      }
    }
    try install(directories, isStrict: words.contains(strict.name), maximumResultBytes: nil)
  }

  /// Makes the plugins part of the catalogue. They are read in the background.
  static func install(_ arguments: ParsedArguments) throws(UsageError) {
    try install(
      arguments.all(directory.name), isStrict: arguments.has(strict.name),
      maximumResultBytes: try CommonOptions.limits(arguments).maximumResultBytes)
  }

  private static func install(
    _ given: [String], isStrict: Bool, maximumResultBytes: Int?
  ) throws(UsageError) {
    guard Integrations.plugins.value == nil else { return }
    let inherited = getenv("SALLYPORT_PLUGINS").map { String(cString: $0) } ?? ""
    let directories =
      given.isEmpty ? inherited.split(separator: ":").map(String.init) : given
    guard !directories.isEmpty else { return }
    for directory in given where access(directory, R_OK | X_OK) != 0 {
      throw UsageError("--plugins: \(FileError(path: directory, code: errno))")
    }
    let code = TaskPool.shared.start()
    guard code == 0 else {
      throw UsageError("the host cannot start a thread: \(String(cString: strerror(code)))")
    }
    let plugins = PluginSet(
      directories, taken: Set(Integrations.inExecutable.map(\.id)),
      context: PluginContext(
        log: HostLog.log,
        maximumResultBytes: maximumResultBytes ?? ResultMemory.defaultResultBytes))
    Integrations.plugins.set(plugins)
    EndOfProcess.add { plugins.close() }
    plugins.prepare()
    guard isStrict else { return }
    let problems = plugins.problems
    guard problems.isEmpty else {
      throw UsageError(
        TerminalText(lines: problems.joined(separator: "\n")),
        remedy: "Correct the plugins, or start without --strict-plugins.")
    }
  }
}
