import Basics
import Glibc
import Engine
import JSON

/// `sallyport serve`
enum ServeCommand {
  static var description: Subcommand {
    Subcommand(
      name: "serve", usage: "[OPTIONS]",
      about: "the host: JSON-RPC on stdin and stdout until the input ends",
      details: """
        Reads one JSON-RPC 2.0 request a line and writes one response a line, in the order in
        which they are ready. At the end of input, and at SIGTERM or SIGINT, it finishes what it
        has accepted; a second signal cancels that. It is what a bare sallyport does when its
        input is not a terminal.

        Agents and editors that speak the Model Context Protocol talk to the same stream; the
        commands are tools there, such as gmail__search_emails.

        Exit status: 0 all answered; 2 wrong command line or configuration; 3 something was not
        finished before the drain timeout; 4 the reader of stdout went away.
        """,
      examples: [
        "sallyport serve --connections connections.json < batch.jsonl > answers.jsonl",
        #"echo '{"jsonrpc":"2.0","id":1,"method":"capabilities"}' | sallyport"#,
      ],
      options: options, run: run)
  }

  private static let options = CommonOptions.list + AgentOptions.list

  static func run(_ words: [String]) throws(UsageError) -> Int32 {
    let arguments = try ParsedArguments(words, options: options)
    if let extra = arguments.positionals.first {
      throw UsageError(
        "serve takes no file: \(extra)", remedy: "sallyport run \(extra) answers a file.")
    }
    let output = StandardOutput.reserve()
    let host = try HostRun(
      engine: CommonOptions.engine(arguments), limits: CommonOptions.limits(arguments),
      agents: AgentOptions.read(arguments), output: output)
    do throws(FileError) {
      return try host.run([STDIN_FILENO]).rawValue
    } catch {
      throw UsageError("the input cannot be read: \(error.reason)")
    }
  }
}
