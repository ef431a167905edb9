/// A subcommand of the command line.
struct Subcommand: Sendable {
  let name: String
  /// The arguments, after the name.
  let usage: String
  /// One line for the overview.
  let summary: String
  /// Further text for `help NAME`.
  let details: TerminalText
  let examples: [String]
  let options: [Option]
  let run: @Sendable ([String]) throws(UsageError) -> Int32
}

enum Subcommands {
  static let all = [
    ServeCommand.description, RunCommand.description, CallCommand.description,
    CapabilitiesCommand.description, SampleCommand.description, AuthCommand.description,
    PluginCommand.description, SandboxCommand.description, MCPConfigCommand.description,
    JSONPathCommand.description,
    VersionCommand.description,
  ]
}
