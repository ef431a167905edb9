import Basics
import Glibc
import IntegrationKit

/// The entry point: runs a subcommand and reports usage errors.
public enum Sallyport {
  /// Runs the command line of the process and exits.
  ///
  /// An executable of another package calls it in its `main.swift` to add its own integrations to those
  /// of this package:
  ///
  ///     Sallyport.main(adding: [RegisteredIntegration(AcmeEDR.self)])
  ///
  /// - Precondition: it is called once, and the ids of the integrations differ from each other.
  public static func main(adding integrations: [RegisteredIntegration] = []) -> Never {
    if !integrations.isEmpty { Integrations.added.set(integrations) }
    StandardStreams.fillClosed()
    let arguments = ProcessStart.arguments
    var words = Array(arguments.dropFirst())
    ProcessStart.protect(allowingCoreDumps: words.contains(CommonOptions.allowCoreDumps.name))
    TaskPool.install()
    let code: Int32
    do throws(UsageError) {
      // Linux replaces an empty list by one empty text.
      guard arguments.contains(where: { !$0.isEmpty }) else {
        throw UsageError("the argument list is empty; it must begin with the program's name")
      }
      code = try run(&words)
    } catch {
      Console.error("sallyport: \(error.message)")
      if let remedy = error.remedy { Console.error("  \(remedy)") }
      code = 2
    }
    EndOfProcess.run()
    HostLog.log.flush()
    // _exit skips the exit handlers of libraries, whose threads may still run.
    _exit(code)
  }

  private static func run(_ words: inout [String]) throws(UsageError) -> Int32 {
    guard let first = words.first else {
      return isatty(STDIN_FILENO) == 1 ? Help.printOverview() : try ServeCommand.run([])
    }
    if first == "--help" || first == "-h" || first == "help" {
      return try Help.print(for: words.dropFirst().first, Array(words.dropFirst(2)))
    }
    if first == "--version" || first == "-V" { return try VersionCommand.run([]) }
    if first.hasPrefix("-") { return try ServeCommand.run(words) }
    if first == CompletionCommand.hiddenName {
      return try CompletionCommand.complete(Array(words.dropFirst()))
    }
    guard let subcommand = Subcommands.all.first(where: { $0.name == first }) else {
      throw UsageError(
        "unknown command \"\(first)\"",
        didYouMean: Suggestion.closest(to: first, among: Subcommands.all.map(\.name)),
        remedy: "sallyport help lists the commands.")
    }
    words.removeFirst()
    if words.contains("--help") || words.contains("-h") {
      return try Help.print(for: first, words)
    }
    return try subcommand.run(words)
  }
}
