import Basics
import Engine
import Glibc
import IntegrationKit
import JSON

/// `sallyport call`
enum CallCommand {
  static var description: Subcommand {
    Subcommand(
      name: "call", usage: "INTEGRATION COMMAND [--KEY VALUE…] [OPTIONS]",
      summary: "run one command and print a readable result",
      details: """
        Each parameter of the command is an option: --device-id 17, --page 2. Write a list as
        a,b,c or repeat the option. Write an object as JSON. sallyport capabilities INTEGRATION
        COMMAND lists the parameters. Files from command results are stored in --files-dir, by
        default in ./sallyport-files.

        Exit status: 0 successful; 1 failed; 2 invalid command line or configuration.
        """,
      examples: [
        "sallyport call coda_footprint list_devices --sandbox",
        "sallyport call coda_footprint list_devices --filter '{\"riskLevel\":\"critical\"}' --sandbox",
        "sallyport call coda_footprint update_target_scan_scope --target-id 7001 --scope out \\\n"
          + "    --dry-run --sandbox",
      ],
      options: allOptions, run: run)
  }

  static let allOptions = options + CommonOptions.list + [TelemetryOptions.otlp]

  private static let options = [
    Option("--connection", "NAME", "the connection (default: the only active one)"),
    Option("--json", "'{…}'", "arguments as a JSON object; --KEY VALUE adds or overrides"),
    Option("--raw", nil, "print the result as JSON"),
    Option("--dry-run", nil, "print the requests without sending them"),
    Option("--all-pages", nil, "read all pages"),
    Option(
      "--timeout", "S", "total timeout in seconds (default: 60, plus waits for rate limits)"),
  ]

  static func run(_ words: [String]) throws(UsageError) -> Int32 {
    try PluginOptions.install(from: words)
    let (integration, command) = try CatalogueWords.command(words)
    let arguments = try ParsedArguments(
      Self.spelledWithDashes(words), options: parameterOptions(of: command) + allOptions)
    if let extra = arguments.positionals.dropFirst(2).first {
      throw UsageError(
        "unexpected argument \"\(extra)\"", remedy: "Pass parameters as options: --KEY VALUE.")
    }
    let request = try request(integration, command, arguments)
    let engine = try CommonOptions.engine(arguments, filesByDefault: "sallyport-files")
    let run = CallRun(engine)
    // The first signal cancels the command and shows what was done; a second one ends the process.
    Signals.watch(first: run.cancel) { EndOfProcess.run() }
    let response = run.response(to: request)
    engine.writePendingRecords()
    engine.log.flush()
    return Presentation(command: command, raw: arguments.has("--raw")).show(response)
  }

  /// An option for each parameter of a command.
  static func parameterOptions(of command: RegisteredCommand) -> [Option] {
    command.shape.names.map {
      Option(
        "--" + $0.split(separator: "_").joined(separator: "-"), "VALUE", "",
        implied: command.shape.takesBoolean($0) ? "true" : nil)
    }
  }

  /// Converts `--device_id` to `--device-id`.
  static func spelledWithDashes(_ words: [String]) -> [String] {
    words.map { word in
      guard word.hasPrefix("--") else { return word }
      let name = word.prefix { $0 != "=" }
      return name.split(separator: "_", omittingEmptySubsequences: false).joined(separator: "-")
        + word[name.endIndex...]
    }
  }

  private static func request(
    _ integration: RegisteredIntegration, _ command: RegisteredCommand,
    _ arguments: ParsedArguments
  ) throws(UsageError) -> InvocationRequest {
    var options = InvocationOptions.none
    options.dryRun = arguments.has("--dry-run")
    options.allPages = arguments.has("--all-pages")
    if options.allPages, !command.hasPages {
      throw UsageError("--all-pages is allowed only for commands with pages")
    }
    options.timeoutMilliseconds =
      try arguments.integer("--timeout", minimum: 1, maximum: 86_400).map { Int64($0) * 1_000 }
    return InvocationRequest(
      integration, command,
      on: arguments["--connection"].map { .named($0) } ?? .onlyOne,
      arguments: try self.arguments(of: command, arguments).json, options: options)
  }

  /// The arguments of the command, an object.
  static func arguments(
    of command: RegisteredCommand, _ arguments: ParsedArguments
  ) throws(UsageError) -> JSONFragment {
    var given: [(name: String, value: JSONFragment)] = []
    if let text = arguments["--json"] {
      let object: JSON
      do throws(JSONError) {
        object = try JSON.parse(text)
      } catch {
        throw UsageError("--json is not JSON: \(error)")
      }
      guard object.kind == .object else { throw UsageError("--json must be an object") }
      for member in object.members {
        given.append((member.name.string ?? "", JSONFragment(member.value)))
      }
    }
    for name in command.shape.names {
      let texts = arguments.all("--" + name.split(separator: "_").joined(separator: "-"))
      guard !texts.isEmpty else { continue }
      given.removeAll { $0.name == name }
      guard let value = command.shape.value(of: name, from: texts) else {
        throw UsageError("--\(name): invalid JSON array: \(texts[0])", remedy: "Use a,b,c instead.")
      }
      given.append((name, value))
    }
    return JSONFragment { writer in
      writer.object { writer in
        for (name, value) in given {
          writer.name(text: name)
          writer.value(value)
        }
      }
    }
  }
}

/// Looks up integrations and commands that are named on the command line.
enum CatalogueWords {
  static func integration(_ id: String) throws(UsageError) -> RegisteredIntegration {
    Integrations.catalogue.load(id)
    if let found = Integrations.catalogue.integration(id) { return found }
    if let obstacle = Integrations.catalogue.obstacle(to: id) {
      throw UsageError("\(obstacle.message)", remedy: obstacle.remedy.map { "\($0)" })
    }
    let ids = Integrations.all.map(\.id)
    throw UsageError(
      "unknown integration \"\(id)\"", didYouMean: Suggestion.closest(to: id, among: ids),
      remedy: "Available integrations: \(ids.joined(separator: ", ")).")
  }

  static func command(
    _ id: String, of integration: RegisteredIntegration
  ) throws(UsageError) -> RegisteredCommand {
    if let found = integration.commands.first(where: { $0.id == id }) { return found }
    throw UsageError(
      "unknown command \"\(id)\" of \(integration.id)",
      didYouMean: Suggestion.closest(to: id, among: integration.commands.map(\.id)),
      remedy: "sallyport capabilities \(integration.id) lists its commands.")
  }

  /// The integration and command in the first two arguments.
  static func command(
    _ words: [String]
  ) throws(UsageError) -> (RegisteredIntegration, RegisteredCommand) {
    guard words.count >= 2, !words[0].hasPrefix("-"), !words[1].hasPrefix("-") else {
      throw UsageError(
        "missing integration and command",
        remedy: "Example: coda_footprint list_devices")
    }
    let integration = try integration(words[0])
    return (integration, try command(words[1], of: integration))
  }
}
