import Basics
import Engine
import Glibc
import JSON

/// `sallyport audit`
enum AuditCommand {
  static var description: Subcommand {
    Subcommand(
      name: "audit", usage: "verify FILE [--json]",
      summary: "check an audit file, and list writes without a known end",
      details: """
        Checks that no line of FILE was changed, removed or inserted since it was written: each
        line has a number and the SHA-256 of the line before it. A file that was rotated may begin
        in mid-chain. The last line is checked only if a later one follows, or if its SHA-256,
        which is printed, was kept elsewhere.

        Then lists the writes that started and never finished: the host or the machine went down
        meanwhile, or they are still in flight. Their outcome is unknown.

        Exit status: 0 the chain is intact; 1 a line is broken; 2 invalid command line, or the file
        cannot be read.
        """,
      examples: [
        "sallyport audit verify /var/log/sallyport/audit.jsonl",
        "sallyport audit verify audit.jsonl --json | jq '.unfinished[].command'",
        "zcat audit.jsonl.2.gz | sallyport audit verify /dev/stdin",
      ],
      options: options, positionals: [.choices(["verify"]), .files], run: run)
  }

  private static let json = Option("--json", nil, "print the result as JSON")
  private static let options = [json]

  static func run(_ words: [String]) throws(UsageError) -> Int32 {
    let arguments = try ParsedArguments(words, options: options)
    guard let action = arguments.positionals.first else {
      throw UsageError("missing action", remedy: "Example: sallyport audit verify audit.jsonl")
    }
    guard action == "verify" else {
      throw UsageError(
        "unknown action \"\(action)\"",
        didYouMean: Suggestion.closest(to: action, among: ["verify"]),
        remedy: "Use sallyport audit verify FILE.")
    }
    guard arguments.positionals.count == 2 else {
      throw UsageError(
        "audit verify requires exactly one file",
        remedy: "Example: sallyport audit verify audit.jsonl")
    }
    let path = arguments.positionals[1]
    let report: AuditReport
    do throws(FileError) {
      report = try AuditReport(of: path)
    } catch {
      throw UsageError("cannot read the audit file: \(error)")
    }
    if arguments.has(json.name) {
      Console.print(json: report.json.text)
    } else {
      report.show()
    }
    return report.fault == nil ? 0 : ExitCode.someFailed.rawValue
  }
}
