import Basics
import Engine
import IntegrationKit
import JSON

/// `sallyport capabilities`
enum CapabilitiesCommand {
  static var description: Subcommand {
    Subcommand(
      name: "capabilities", usage: "[INTEGRATION [COMMAND]] [--json]",
      summary: "list integrations, commands and parameters",
      details: "With --json, prints the result of the method capabilities.",
      examples: [
        "sallyport capabilities",
        "sallyport capabilities coda_footprint list_devices",
        "sallyport capabilities --json | jq '.integrations[].commands[].id'",
      ],
      options: options, positionals: [.integration, .command], run: run)
  }

  private static let options = [Option("--json", nil, "print JSON")] + PluginOptions.list

  static func run(_ words: [String]) throws(UsageError) -> Int32 {
    let arguments = try ParsedArguments(words, options: options)
    try PluginOptions.install(arguments)
    let ids = arguments.positionals
    if ids.count > 2 { throw UsageError("unexpected argument \"\(ids[2])\"") }
    let integration = try ids.first.map { id throws(UsageError) in
      try CatalogueWords.integration(id)
    }
    var command: RegisteredCommand?
    if ids.count == 2, let integration {
      command = try CatalogueWords.command(ids[1], of: integration)
    }
    if arguments.has("--json") {
      let catalogue = Integrations.catalogue
      Console.print(
        json: catalogue.capabilities(integration: integration, command: command)
          .text)
    } else if let integration, let command {
      show(command, of: integration)
    } else {
      for shown in Integrations.all where integration == nil || shown === integration {
        show(shown)
      }
    }
    return 0
  }

  private static func show(_ integration: RegisteredIntegration) {
    Console.print("\(Style.bold("\(integration.metadata.title)")) (\(integration.id))")
    Console.print(TerminalText(lines: "\(integration.metadata.description)".wrapped() + "\n"))
    var table = Table(["command", "effect", "parameters"])
    table.rows = integration.commands.map { command in
      let parameters = command.shape.summaries
      return [
        command.id, command.metadata.effect.rawValue,
        parameters.map { $0.isRequired ? "\($0.name)*" : $0.name }.joined(separator: ", "),
      ]
    }
    let (lines, hidden) = table.lines(width: Style.columns)
    for line in lines { Console.print(line) }
    var settings = Table(["connection setting", "values", "default"])
    settings.rows = integration.settingsShape.summaries.map { setting in
      [
        setting.isRequired ? "\(setting.name)*" : setting.name, setting.values,
        setting.defaultValue.map { (try? JSON.parse($0))?.string ?? $0 } ?? "",
      ]
    }
    Console.print("")
    for line in settings.lines(width: Style.columns).text { Console.print(line) }
    Console.print(
      Style.dim(
        hidden == 0
          ? "\n* required"
          : "\nFor the parameters, run sallyport capabilities \(integration.id) COMMAND."
      ))
  }

  private static func show(_ command: RegisteredCommand, of integration: RegisteredIntegration) {
    let metadata = command.metadata
    Console.print("\(Style.bold("\(metadata.title)")) (\(command.id), \(metadata.effect.rawValue))")
    Console.print(TerminalText(lines: "\(metadata.description)".wrapped() + "\n"))
    for parameter in command.shape.summaries {
      let need =
        parameter.isRequired
        ? "required" : parameter.defaultValue.map { "default \($0)" } ?? "optional"
      Console.print("\(Style.bold("\(parameter.name)"))  \(parameter.values), \(need)")
      Console.print(TerminalText(lines: parameter.description.wrapped(indent: 4)))
      for source in parameter.sources {
        Console.print("    Source: \(source.text()).")
      }
      for member in parameter.members {
        Console.print("    \(Style.bold("\(member.name)"))  \(member.values)")
        Console.print(TerminalText(lines: member.description.wrapped(indent: 8)))
      }
    }
    let rules = command.shape.ruleSentences
    if !rules.isEmpty {
      Console.print("\nRules")
      for rule in rules { Console.print(TerminalText(lines: rule.wrapped(indent: 4))) }
    }
    if !metadata.permissions.isEmpty {
      let permissions = metadata.permissions.map { "\($0)" }.joined(separator: ", ")
      Console.print("\nPermissions: \(permissions)")
    }
    if let quota = metadata.rateLimit {
      Console.print(
        "Rate limit: \(quota.limit.requests) requests per \(seconds(quota.limit.perSeconds)),"
          + " shared by all commands of the bucket \(quota.bucket)")
    }
    if let items = metadata.items { Console.print("Items: \(items.text)") }
    Console.print("\nExample\n  \(SampleCommand.callLine(command, of: integration))")
  }

  private static func seconds(_ number: Double) -> String {
    number == 1 ? "1 second" : "\(Int(exactly: number).map(String.init) ?? "\(number)") seconds"
  }
}
