import Basics
import Engine
import Glibc
import IntegrationKit
import JSON

/// `sallyport serve`
enum ServeCommand {
  static var description: Subcommand {
    Subcommand(
      name: "serve", usage: "[OPTIONS]",
      summary: "run the host: JSON-RPC on stdin and stdout until EOF",
      details: """
        Reads one JSON-RPC 2.0 request per line and writes one response per line, in order of
        completion. On EOF, SIGTERM or SIGINT, it drains the accepted requests. A signal while it
        drains cancels them. SIGHUP reads the connections file again, like connections/reload, and
        reopens the audit file. sallyport without arguments runs serve if stdin is not a terminal.

        Agents and editors use the Model Context Protocol on the same stream. Each command is a
        tool, such as gmail__search_emails.

        Exit status: 0 all requests answered; 2 invalid command line or configuration; 3 drain
        timeout; 4 stdout was closed.
        """,
      examples: [
        "sallyport serve --connections connections.json < batch.jsonl > answers.jsonl",
        #"echo '{"jsonrpc":"2.0","id":1,"method":"capabilities"}' | sallyport"#,
      ],
      options: options, run: run)
  }

  static let options =
    CommonOptions.list + TelemetryOptions.list + FenceOptions.list + [FenceOptions.agentsOnly]
    + AgentOptions.list

  static func run(_ words: [String]) throws(UsageError) -> Int32 {
    let arguments = try ParsedArguments(words, options: options)
    if let extra = arguments.positionals.first {
      throw UsageError(
        "unexpected argument \"\(extra)\"",
        remedy: "To run a request file, use sallyport run \(extra).")
    }
    let output = StandardOutput.reserve()
    let engine = try CommonOptions.engine(arguments)
    let host = try HostRun(
      engine: engine, limits: CommonOptions.limits(arguments),
      agents: AgentOptions.read(arguments), output: output,
      hangUp: .call {
        engine.audit?.reopen()
        // Not on the thread of signals: the file may be slow.
        Task.detached { await reload(engine) }
      })
    try TelemetryOptions.start(arguments, of: engine)
    do throws(FileError) {
      return try host.run([STDIN_FILENO]).rawValue
    } catch {
      throw UsageError("cannot read stdin: \(error.reason)")
    }
  }

  private static func reload(_ engine: Engine) async {
    do throws(CommandError) {
      let report = try await engine.reloadConnections()
      engine.log.warning("SIGHUP: \(report.summary)")
    } catch {
      engine.log.error("SIGHUP: \(error.message)")
    }
  }
}
