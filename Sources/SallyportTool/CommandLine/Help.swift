import Basics

/// Help texts.
enum Help {
  static func printOverview() -> Int32 {
    let width = Subcommands.all.map(\.name.count).max() ?? 0
    let commands = Subcommands.all.map { "  \($0.name.padded(width))  \($0.summary)" }
    Console.print(
      """
      \(Style.bold("sallyport")) runs commands of security vendors for any program that can start \
      a process.
      It reads JSON-RPC requests on stdin and writes responses on stdout, one per line.

      \(Style.bold("Usage")): sallyport COMMAND [OPTIONS]

      \(TerminalText(lines: commands.joined(separator: "\n")))

      \(Style.bold("Try it")), without an account:
        sallyport call coda_footprint list_devices --sandbox
        sallyport run protocol/examples/tour.jsonl --sandbox

      Run sallyport help COMMAND for the details of a command.
      """)
    return 0
  }

  /// - Parameter words: behind the name of the subcommand.
  static func print(for name: String?, _ words: [String]) throws(UsageError) -> Int32 {
    guard let name, name != "--help", name != "-h" else { return printOverview() }
    guard let subcommand = Subcommands.all.first(where: { $0.name == name }) else {
      throw UsageError(
        "unknown command \"\(name)\"",
        didYouMean: Suggestion.closest(to: name, among: Subcommands.all.map(\.name)))
    }
    if let code = try subcommand.help(words) { return code }
    var sections: [TerminalText] = [
      "\(Style.bold("sallyport \(subcommand.name)")): \(subcommand.summary)",
      "\(Style.bold("Usage")): sallyport \(subcommand.name) \(subcommand.usage)",
    ]
    let details = subcommand.details().text
    if !details.isEmpty { sections.append(.own(details.paragraphs)) }
    if !subcommand.options.isEmpty {
      let options = TerminalText(lines: lines(subcommand.options))
      sections.append("\(Style.bold("Options"))\n\(options)")
    }
    let examples = subcommand.examples.map { "  \($0)" }.joined(separator: "\n")
    sections.append("\(Style.bold("Examples"))\n\(TerminalText(lines: examples))")
    Console.print(sections.joined(separator: "\n\n"))
    return 0
  }

  private static func lines(_ options: [Option]) -> String {
    let names = options.map { option in option.value.map { "\(option.name) \($0)" } ?? option.name }
    let width = names.map(\.count).max() ?? 0
    return zip(names, options).map { name, option in
      "  \(name.padded(width))  "
        + option.summary.wrapped(indent: width + 4).drop { $0 == " " }
    }.joined(separator: "\n")
  }
}
