import Basics
import Engine
import Glibc
import IntegrationKit

/// `sallyport follow`
enum FollowCommand {
  static var description: Subcommand {
    Subcommand(
      name: "follow", usage: "INTEGRATION COMMAND [--KEY VALUE…] [OPTIONS]",
      summary: "fetch events on a schedule and print one per line",
      details: """
        Calls a command that fetches events, such as gmail fetch_event, every 30 seconds until a
        signal. Writes each event as one line of JSON to stdout: {"seq","event","cursor"}. Each
        parameter of the command is an option, as for call. Omit the end of the time range.

        An event is acknowledged when its line is written. With --checkpoint, the position of the
        acknowledged events is stored in --state-dir before the next line is written. A later run
        with the same name continues there: every event comes at least once, and none before the
        last line comes again. Errors are reported on stderr, and it continues with longer pauses.

        Exit status: 0 ended by a signal; 1 the command is not allowed, or the checkpoint is in
        use; 2 invalid command line or configuration; 4 the reader closed stdout.
        """,
      examples: [
        "sallyport follow gmail fetch_event --user-email soc@harbor.example \\\n"
          + "    --start-time '2026-11-16 08:00' --sandbox",
        "sallyport follow gmail fetch_event --connection mail --user-email soc@harbor.example \\\n"
          + "    --start-time 2026-11-16 --every 60 --state-dir state --checkpoint soc | ./handle",
      ],
      options: allOptions, positionals: [.integration, .command], takesParameters: true, run: run)
  }

  static let allOptions = options + CommonOptions.list + TelemetryOptions.list

  private static let options = [
    Option("--connection", "NAME", "the connection (default: the only active one)"),
    Option("--json", "'{…}'", "arguments as a JSON object; --KEY VALUE adds or overrides"),
    Option("--every", "S", "seconds between polls (default 30)"),
    Option("--checkpoint", "NAME", "store the position in --state-dir and continue there"),
    Option(
      "--timeout", "S", "timeout of a poll in seconds (default: 60, plus waits for rate limits)"),
  ]

  static func run(_ words: [String]) throws(UsageError) -> Int32 {
    try PluginOptions.install(from: words)
    let (integration, command) = try CatalogueWords.command(words)
    let arguments = try ParsedArguments(
      CallCommand.spelledWithDashes(words),
      options: CallArguments.options(of: command) + allOptions)
    if let extra = arguments.positionals.dropFirst(2).first {
      throw UsageError(
        "unexpected argument \"\(extra)\"", remedy: "Pass parameters as options: --KEY VALUE.")
    }
    let checkpoint = arguments["--checkpoint"]
    if checkpoint != nil, !arguments.has("--state-dir") {
      throw UsageError("--checkpoint requires --state-dir DIR")
    }
    let request = try request(integration, command, arguments, checkpoint)
    let output = StandardOutput.reserve()
    let engine = try CommonOptions.engine(arguments, filesByDefault: "sallyport-files")
    try TelemetryOptions.start(arguments, of: engine)
    let run = FollowRun(on: engine, to: output)
    // A second signal ends the process.
    Signals.watch(first: run.stop) { EndOfProcess.run() }
    let ending = run.follow(request)
    engine.writePendingRecords()
    engine.log.flush()
    return ending
  }

  private static func request(
    _ integration: RegisteredIntegration, _ command: RegisteredCommand,
    _ arguments: ParsedArguments, _ checkpoint: String?
  ) throws(UsageError) -> FollowRequest {
    var options = InvocationOptions.none
    options.timeoutMilliseconds =
      try arguments.integer("--timeout", minimum: 1, maximum: 86_400).map { Int64($0) * 1_000 }
    let seconds = FollowRequest.secondsRange
    let every = try arguments.integer(
      "--every", minimum: Int(seconds.lowerBound), maximum: Int(seconds.upperBound))
    let invocation = InvocationRequest(
      integration, command,
      on: arguments["--connection"].map { .named($0) } ?? .onlyOne,
      arguments: try CallArguments.object(of: command, arguments).json, options: options)
    do throws(RequestProblems) {
      return try FollowRequest(
        invocation, everySeconds: every.map(Int64.init) ?? FollowRequest.everySeconds,
        maximumUnacknowledged: FollowRequest.maximumUnacknowledged, checkpoint: checkpoint)
    } catch {
      throw UsageError("\(error.message)", remedy: error.remedy.map { "\($0)" })
    }
  }
}
