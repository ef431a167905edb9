import Basics
import Glibc
import Engine
import Sandbox

/// `sallyport sandbox`, and the sandbox of the other commands.
enum SandboxCommand {
  static var description: Subcommand {
    Subcommand(
      name: "sandbox", usage: "[--port N] [--sandbox-fault TEXT]…",
      about: "emulated vendors on loopback, and a connections file for them",
      details: """
        Prints a connections file on stdout, then runs until interrupted. Faults make bad days, to
        see what a playbook does on one:

        \(Sandbox.grammarHelp)
        """,
      examples: [
        "sallyport sandbox > connections.json &",
        "sallyport sandbox --sandbox-fault 'coda: 429 every 10' --sandbox-fault 'coda: slow 200ms'",
      ],
      options: options, run: run)
  }

  private static let options = [
    Option("--port", "N", "the port to listen on (default: a free one)"),
    Option("--sandbox-fault", "TEXT", "a bad day, such as 'coda: 429 every 10' (repeatable)"),
  ]

  static func run(_ words: [String]) throws(UsageError) -> Int32 {
    let arguments = try ParsedArguments(words, options: options)
    if let extra = arguments.positionals.first { throw UsageError("unexpected: \(extra)") }
    let port = try arguments.integer("--port", minimum: 0) ?? 0
    guard let number = UInt16(exactly: port) else {
      throw UsageError("--port takes a number up to 65535, not \(port)")
    }
    let interrupted = Monitor(false)
    Signals.watch {
      interrupted.withLock { $0 = true }
      interrupted.notify()
    }
    let sandbox = try start(arguments, port: number)
    Console.print(sandbox.connections.text)
    if isatty(STDERR_FILENO) == 1 {
      Console.error("The emulated vendors are running; interrupt with Ctrl-C.")
    }
    _ = interrupted.wait { $0 ? true : nil }
    sandbox.stop()
    return 0
  }

  static func start(
    _ arguments: ParsedArguments, port: UInt16
  ) throws(UsageError) -> Sandbox {
    do throws(SandboxError) {
      var faults: [SandboxFault] = []
      for text in arguments.all("--sandbox-fault") { faults.append(try SandboxFault(text)) }
      let sandbox = Sandbox(faults: faults)
      try sandbox.start(port: port)
      return sandbox
    } catch {
      throw UsageError("sandbox: \(error)")
    }
  }
}
