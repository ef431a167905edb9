import Basics
import Engine
import IntegrationKit
import JSON

/// `sallyport call INTEGRATION COMMAND --help`: the parameters of one command as options.
enum CommandHelp {
  /// - Parameter words: of the command line behind `call`.
  /// - Returns: nil if they name no integration.
  static func print(_ words: [String]) throws(UsageError) -> Int32? {
    let names = words.prefix { !$0.hasPrefix("-") }
    guard let first = names.first else { return nil }
    try PluginOptions.install(from: words)
    let integration = try CatalogueWords.integration(first)
    guard names.count > 1 else {
      printCommands(of: integration)
      return 0
    }
    print(try CatalogueWords.command(names[1], of: integration), of: integration)
    return 0
  }

  private static func printCommands(of integration: RegisteredIntegration) {
    let width = integration.commands.map(\.id.count).max() ?? 0
    let lines = integration.commands.map { command in
      "  \(command.id.padded(width))  "
        + "\(command.metadata.title)".truncated(to: max(8, Style.columns - width - 4))
    }
    Console.print(
      """
      \(Style.bold("sallyport call \(integration.id)"))

      \(Style.bold("Usage")): sallyport call \(integration.id) COMMAND [--KEY VALUE…] [OPTIONS]

      \(Style.bold("Commands"))
      \(TerminalText(lines: lines.joined(separator: "\n")))

      For its parameters, run sallyport call \(integration.id) COMMAND --help.
      """)
  }

  private static func print(
    _ command: RegisteredCommand, of integration: RegisteredIntegration
  ) {
    let metadata = command.metadata
    Console.print(
      """
      \(Style.bold("sallyport call \(integration.id) \(command.id)")): \(metadata.title) \
      (\(metadata.effect.rawValue))

      \(TerminalText(lines: "\(metadata.description)".wrapped()))

      \(Style.bold("Usage")): sallyport call \(integration.id) \(command.id)\(usage(of: command)) \
      [OPTIONS]
      """)
    let parameters = command.shape.summaries
    if !parameters.isEmpty {
      Console.print("\n\(Style.bold("Parameters"))")
      for parameter in parameters { print(parameter, in: command.shape) }
    }
    for rule in command.shape.ruleSentences {
      Console.print(TerminalText(lines: rule.wrapped(indent: 2)))
    }
    Console.print(
      """

      \(Style.bold("Example"))
        \(SampleCommand.callLine(command, of: integration))

      sallyport help call lists the other options, and ways to write values.
      """)
  }

  private static func usage(of command: RegisteredCommand) -> String {
    let required = command.shape.summaries.filter(\.isRequired).map {
      " \(CallArguments.optionName($0.name)) VALUE"
    }
    return required.joined()
  }

  private static func print(_ parameter: ParameterSummary, in shape: ParameterShape) {
    let form = shape.form(of: parameter.name)
    let need =
      parameter.isRequired
      ? "required"
      : parameter.defaultValue.map { "default \(shown($0))" } ?? "optional"
    let name = CallArguments.optionName(parameter.name)
    let values = form.isBase64 ? "file as @FILE, or Base64" : parameter.values
    Console.print("  \(Style.bold("\(name)"))")
    Console.print(TerminalText(lines: "\(values), \(need)".wrapped(indent: 6)))
    if !parameter.description.isEmpty {
      Console.print(TerminalText(lines: parameter.description.wrapped(indent: 6)))
    }
    if let example = parameter.example, example.text != parameter.defaultValue, form.choices.isEmpty
    {
      Console.print(
        TerminalText(lines: "Example: \(shown(example.text))".wrapped(indent: 6)))
    }
    for source in parameter.sources {
      Console.print(TerminalText(lines: "Source: \(source.text()).".wrapped(indent: 6)))
    }
  }

  /// A string without its quotes.
  private static func shown(_ json: String) -> String { (try? JSON.parse(json))?.string ?? json }
}
