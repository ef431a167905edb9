import Basics
import IntegrationKit
import JSON

/// `sallyport sample`
enum SampleCommand {
  static var description: Subcommand {
    Subcommand(
      name: "sample", usage: "INTEGRATION COMMAND", summary: "print an invoke request to edit",
      details: """
        The request contains example values for the required parameters. On a terminal, the optional
        parameters are listed below it.
        """,
      examples: [
        "sallyport sample coda_footprint get_technical_context >> batch.jsonl"
      ],
      options: PluginOptions.list, positionals: [.integration, .command], run: run)
  }

  static func run(_ words: [String]) throws(UsageError) -> Int32 {
    let arguments = try ParsedArguments(words, options: PluginOptions.list)
    try PluginOptions.install(arguments)
    let (integration, command) = try CatalogueWords.command(arguments.positionals)
    let line = JSONFragment { writer in
      writer.object { writer in
        writer.member("jsonrpc", "2.0")
        // Unique, because samples are often appended to one file.
        writer.member("id", "\(command.id) \(WallClock.nowMilliseconds)")
        writer.member("method", "invoke")
        writer.name("params")
        writer.object { writer in
          writer.member("integration", integration.id)
          writer.member("command", command.id)
          writer.name("arguments")
          writer.object { writer in
            for parameter in needed(of: command) {
              writer.name(text: parameter.name)
              writer.value(parameter.example ?? JSONFragment { $0.string("…") })
            }
          }
          writer.name("options")
          writer.object { $0.member("dry_run", false) }
        }
      }
    }
    Console.print(json: line.text)
    if Style.isColoured {
      let needed = command.shape.neededNames
      for parameter in command.shape.summaries where !needed.contains(parameter.name) {
        Console.print(Style.dim("optional: \(parameter.name)  \(parameter.values)"))
      }
    }
    return 0
  }

  private static func needed(of command: RegisteredCommand) -> [ParameterSummary] {
    let names = command.shape.neededNames
    return command.shape.summaries.filter { names.contains($0.name) }
  }

  /// An example call on the command line.
  static func callLine(
    _ command: RegisteredCommand, of integration: RegisteredIntegration
  ) -> String {
    let options = needed(of: command).map { parameter in
      let name = parameter.name.split(separator: "_").joined(separator: "-")
      let value = parameter.example.map { $0.json.string ?? $0.text } ?? "…"
      return " --\(name) \(ShellWord.quoted(value))"
    }
    return "sallyport call \(integration.id) \(command.id)\(options.joined()) --sandbox"
  }
}
