import Basics
import Engine
import Glibc
import IntegrationKit
import PluginHost

/// `sallyport plugin`
enum PluginCommand {
  private enum Action: String, CaseIterable {
    case list, check, lock, run
  }

  static var description: Subcommand {
    Subcommand(
      name: "plugin", usage: "list|check|lock [DIR…] | run NAME COMMAND [--KEY VALUE…] [OPTIONS]",
      summary: "list, check, lock and try plugins",
      details: """
        list shows the plugins below the directories without starting those that are locked. check
        starts each plugin and prints everything that is wrong with it. lock starts each plugin and
        writes catalogue.json, so that the host starts it only for its first call; it prints what has
        changed since the last lock. run calls one command like sallyport call, and shows on stderr
        what the plugin does meanwhile: its requests, their time, and its log. NAME is the id of a
        plugin below --plugins, or the path of its folder.

        DIR is the folder of a plugin, or a directory with one folder for each plugin (default:
        SALLYPORT_PLUGINS).

        Exit status: 0 all well; 1 a plugin has faults, or the command failed; 2 invalid command
        line or configuration.
        """,
      examples: [
        "sallyport plugin check ./acme_edr",
        "sallyport plugin lock plugins",
        "sallyport plugin run ./acme_edr list_endpoints --connections connections.json",
      ],
      options: CallCommand.allOptions,
      positionals: [.choices(Action.allCases.map(\.rawValue)), .directories], run: run)
  }

  static func run(_ words: [String]) throws(UsageError) -> Int32 {
    let names = Action.allCases.map(\.rawValue)
    guard let word = words.first else {
      throw UsageError("missing action", remedy: "Use one of: \(names.joined(separator: ", ")).")
    }
    guard let action = Action(rawValue: word) else {
      throw UsageError(
        "unknown action \"\(word)\"", didYouMean: Suggestion.closest(to: word, among: names),
        remedy: "Use one of: \(names.joined(separator: ", ")).")
    }
    let rest = Array(words.dropFirst())
    switch action {
    case .run: return try tryCommand(rest)
    case .list: return list(try plugins(rest, ignoringLocks: false))
    case .check: return check(try plugins(rest, ignoringLocks: true))
    case .lock: return lock(try plugins(rest, ignoringLocks: true))
    }
  }

  private static func plugins(
    _ words: [String], ignoringLocks: Bool
  ) throws(UsageError) -> [PluginInspection] {
    let arguments = try ParsedArguments(words, options: PluginOptions.list)
    let given = arguments.positionals + arguments.all(PluginOptions.directory.name)
    let directories = try PluginOptions.directories(given)
    guard !directories.isEmpty else {
      throw UsageError(
        "missing directory", remedy: "Name the folder of a plugin, or set SALLYPORT_PLUGINS.")
    }
    let plugins = try PluginOptions.plugins(
      in: directories, maximumResultBytes: nil, ignoringLocks: ignoringLocks)
    EndOfProcess.add { plugins.close() }
    return plugins.inspections
  }

  // MARK: list

  private static func list(_ plugins: [PluginInspection]) -> Int32 {
    guard !plugins.isEmpty else {
      Console.print("no plugins: no folder has a plugin.json")
      return 0
    }
    var table = Table(["id", "version", "protocol", "commands", "state", "folder"])
    table.rows = plugins.map { plugin in
      [
        plugin.id ?? "", plugin.version, plugin.protocolName,
        plugin.commands.map(String.init) ?? "",
        plugin.problems.isEmpty ? (plugin.isLocked ? "locked" : "not locked") : "left out",
        plugin.path,
      ]
    }
    for line in table.lines(width: Style.columns).text { Console.print(line) }
    return plugins.contains { show(problemsOf: $0) } ? ExitCode.someFailed.rawValue : 0
  }

  /// - Returns: whether there are any.
  private static func show(problemsOf plugin: PluginInspection) -> Bool {
    guard !plugin.problems.isEmpty else { return false }
    Console.print("\n\(Style.bold("\(plugin.id ?? plugin.path)"))")
    for problem in plugin.problems {
      Console.print(TerminalText(lines: "  " + problem.wrapped(indent: 4).drop { $0 == " " }))
    }
    return true
  }

  /// Shows what is wrong with each plugin, and calls `body` for the others.
  ///
  /// - Parameter body: returns whether the plugin is well.
  private static func each(
    of plugins: [PluginInspection], _ body: (PluginInspection) -> Bool
  ) -> Int32 {
    var areWell = !plugins.isEmpty
    if plugins.isEmpty { Console.print("no plugins: no folder has a plugin.json") }
    for plugin in plugins where show(problemsOf: plugin) || !body(plugin) { areWell = false }
    return areWell ? 0 : ExitCode.someFailed.rawValue
  }

  private static func show(_ plugin: PluginInspection, _ verdict: String) {
    Console.print("\(Style.bold("\(plugin.id ?? "")")) \(plugin.version): \(verdict)")
  }

  // MARK: check

  private static func check(_ plugins: [PluginInspection]) -> Int32 {
    each(of: plugins) { plugin in
      let lockProblem = plugin.lockProblem
      show(plugin, "\(plugin.commands ?? 0) commands, \(lockProblem ?? "no faults")")
      for change in plugin.changes ?? [] { Console.print("  since its lock: \(change)") }
      for remark in plugin.remarks {
        Console.print(
          Style.dim(TerminalText(lines: "  " + remark.wrapped(indent: 4).drop { $0 == " " })))
      }
      return lockProblem == nil
    }
  }

  // MARK: lock

  private static func lock(_ plugins: [PluginInspection]) -> Int32 {
    each(of: plugins) { plugin in
      let changes = plugin.changes
      do throws(FileError) {
        try plugin.lock()
      } catch {
        Console.error("sallyport: \(error)")
        return false
      }
      let what =
        switch changes {
        case nil: "locked"
        case .some(let lines) where lines.isEmpty: "unchanged"
        case .some: "locked again"
        }
      show(plugin, "\(what), \(plugin.commands ?? 0) commands")
      for change in changes ?? [] { Console.print("  \(change)") }
      return true
    }
  }

  // MARK: run

  private static func tryCommand(_ words: [String]) throws(UsageError) -> Int32 {
    guard words.count >= 2, !words[0].hasPrefix("-"), !words[1].hasPrefix("-") else {
      throw UsageError(
        "missing plugin and command",
        remedy: "Example: sallyport plugin run ./acme_edr list_endpoints")
    }
    LogOptions.read(from: words, orElse: .info)
    var words = words
    let trace = PluginTrace { Console.error(line(at: $0, $1)) }
    if words[0].contains("/") {
      let plugins = try PluginOptions.plugins(
        in: [words[0]], maximumResultBytes: nil, trace: trace)
      guard let plugin = plugins.inspections.first else {
        throw UsageError("\(words[0]) has no plugin.json")
      }
      guard let id = plugin.id, plugin.problems.isEmpty else {
        throw UsageError(
          TerminalText(lines: plugin.problems.joined(separator: "\n")),
          remedy: "sallyport plugin check \(words[0])")
      }
      PluginOptions.install(plugins)
      words[0] = id
    } else {
      try PluginOptions.install(from: words, trace: trace)
    }
    return try CallCommand.run(words)
  }

  private static func line(at milliseconds: Int, _ event: PluginTrace.Event) -> TerminalText {
    let text: TerminalText =
      switch event {
      case .call(let command): "call     \(command)"
      case .ready(let process): "program  process \(process)"
      case .request(let request): "request  \(request)"
      case .response(let status, let bytes, let milliseconds):
        "response \(status), \(bytes) bytes, \(milliseconds) ms"
      case .refused(let reason): "no response: \(reason)"
      case .items(let count): "items    \(count)"
      case .end(let reason): "end      \(reason)"
      }
    let time = String(String("\(milliseconds)".reversed()).padded(6).reversed())
    return Style.dim("\(time) ms  \(text)")
  }
}
