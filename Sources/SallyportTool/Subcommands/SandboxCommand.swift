import Basics
import Engine
import Glibc
import Sandbox

/// `sallyport sandbox`, and the sandbox for the other subcommands.
enum SandboxCommand {
  static var description: Subcommand {
    Subcommand(
      name: "sandbox", usage: "[--port N] [--sandbox-fault TEXT]…",
      summary: "run emulated vendors on loopback and print a connections file",
      details: .own(
        """
        Prints a connections file on stdout, then runs until interrupted. Fault injection tests the
        error handling of a playbook:

        \(Sandbox.grammarHelp)
        """),
      examples: [
        "sallyport sandbox > connections.json &",
        "sallyport sandbox --sandbox-fault 'coda: 429 every 10' --sandbox-fault 'coda: slow 200ms'",
      ],
      options: options, run: run)
  }

  private static let options = [
    Option("--port", "N", "the port to listen on (default: a free port)"),
    Option("--sandbox-fault", "TEXT", "inject a fault, such as 'coda: 429 every 10' (repeatable)"),
  ]

  static func run(_ words: [String]) throws(UsageError) -> Int32 {
    let arguments = try ParsedArguments(words, options: options)
    if let extra = arguments.positionals.first {
      throw UsageError("unexpected argument \"\(extra)\"")
    }
    let port = try arguments.integer("--port", minimum: 0) ?? 0
    guard let number = UInt16(exactly: port) else {
      throw UsageError("--port must be an integer from 0 to 65535, not \(port)")
    }
    let interrupted = Monitor(false)
    Signals.watch {
      interrupted.withLock { $0 = true }
      interrupted.notify()
    }
    let sandbox = try start(arguments, port: number)
    Console.print(json: sandbox.connections.text)
    if isatty(STDERR_FILENO) == 1 {
      Console.error("The emulated vendors are running. Press Ctrl-C to stop.")
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
