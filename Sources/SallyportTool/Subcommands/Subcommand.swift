/// A verb of the command line.
struct Subcommand: Sendable {
  let name: String
  /// How to call it, after the name.
  let usage: String
  /// One line for the overview.
  let about: String
  /// What `help NAME` says beside usage and options.
  let details: String
  let examples: [String]
  let options: [Option]
  let run: @Sendable ([String]) throws(UsageError) -> Int32
}

enum Subcommands {
  static let all = [
    ServeCommand.description, RunCommand.description, CallCommand.description,
    CapabilitiesCommand.description, SampleCommand.description, AuthCommand.description,
    SandboxCommand.description, MCPConfigCommand.description, JSONPathCommand.description,
    VersionCommand.description,
  ]
}
