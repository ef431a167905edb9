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
        a,b,c or repeat the option. Write an object as JSON. sallyport call INTEGRATION COMMAND
        --help lists the parameters.

        @FILE as a value is the content of the file, @- that of stdin; a value that begins with @ is
        written with two of them. A Base64 parameter gets the encoded bytes, a list one element for
        each line; of a secret, the last line end is dropped.

        Files from command results are stored in --files-dir, by default in ./sallyport-files.

        Exit status: 0 successful; 1 failed; 2 invalid command line or configuration.
        """,
      examples: [
        "sallyport call coda_footprint list_devices --sandbox",
        "sallyport call coda_footprint list_devices --filter '{\"riskLevel\":\"critical\"}' --sandbox",
        "sallyport call coda_footprint update_target_scan_scope --target-id 7001 --scope out \\\n"
          + "    --dry-run --sandbox",
        "pass soc/mail | sallyport call gmail set_user_password --user-key fiona@harbor.example \\\n"
          + "    --password @- --sandbox",
      ],
      options: allOptions, positionals: [.integration, .command], takesParameters: true, run: run,
      help: CommandHelp.print)
  }

  static let allOptions = options + CommonOptions.list + [TelemetryOptions.otlp]

  private static let options = [
    Option("--connection", "NAME", "the connection (default: the only active one)"),
    Option("--json", "'{…}'", "arguments as a JSON object; --KEY VALUE adds or overrides"),
    Option("--raw", nil, "print the result as JSON"),
    Option(
      "--stream", nil, "print the items as they arrive: rows on a terminal, otherwise JSON lines"),
    Option(
      "--idempotency-key", "KEY",
      "run the command once per KEY, and print its first result again (with --state-dir)"),
    Option("--dry-run", nil, "print the requests without sending them"),
    Option("--all-pages", nil, "read all pages"),
    Option(
      "--timeout", "S", "total timeout in seconds (default: 60, plus waits for rate limits)"),
  ]

  static func run(_ words: [String]) throws(UsageError) -> Int32 {
    try PluginOptions.install(from: words)
    let (integration, command) = try CatalogueWords.command(words)
    let arguments: ParsedArguments
    do throws(UsageError) {
      arguments = try ParsedArguments(
        Self.spelledWithDashes(words), options: CallArguments.options(of: command) + allOptions)
    } catch {
      throw UsageError(
        error.message,
        remedy: error.remedy ?? "sallyport call \(integration.id) \(command.id) --help lists them.")
    }
    if let extra = arguments.positionals.dropFirst(2).first {
      throw UsageError(
        "unexpected argument \"\(extra)\"", remedy: "Pass parameters as options: --KEY VALUE.")
    }
    let request = try request(integration, command, arguments)
    let engine = try CommonOptions.engine(arguments, filesByDefault: "sallyport-files")
    let run = CallRun(engine)
    // The first signal cancels the command and shows what was done; a second one ends the process.
    Signals.watch(first: run.cancel) { EndOfProcess.run() }
    let isRaw = arguments.has("--raw")
    let items = request.options.stream ? StreamedItems(asRows: Style.isTerminal && !isRaw) : nil
    let response = run.response(to: request, streamingTo: items)
    let presentation = Presentation(
      command: command, raw: isRaw, items: items,
      headers: isRaw || items != nil ? nil : MessageHeaders(of: response, for: request, run))
    engine.writePendingRecords()
    engine.log.flush()
    if items?.isClosed == true { return ExitCode.outputClosed.rawValue }
    return presentation.show(response)
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
    options.stream = arguments.has("--stream")
    if let key = arguments["--idempotency-key"] {
      guard (1...256).contains(key.count) else {
        throw UsageError("--idempotency-key must have 1 to 256 characters")
      }
      if !arguments.has("--state-dir") {
        throw UsageError(
          "--idempotency-key requires --state-dir DIR", remedy: "The key is remembered there.")
      }
      options.idempotencyKey = key
    }
    options.timeoutMilliseconds =
      try arguments.integer("--timeout", minimum: 1, maximum: 86_400).map { Int64($0) * 1_000 }
    return InvocationRequest(
      integration, command,
      on: arguments["--connection"].map { .named($0) } ?? .onlyOne,
      arguments: try CallArguments.object(of: command, arguments).json, options: options)
  }
}
