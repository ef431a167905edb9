/// What an argument without a name is, for the completion of shells.
enum Positional: Sendable, Equatable {
  case integration
  /// Of the integration before it.
  case command
  case files
  case directories
  case choices([String])

  /// Whether it may be repeated.
  var isRepeated: Bool { self == .files || self == .directories }
}

/// A subcommand of the command line.
struct Subcommand: Sendable {
  let name: String
  /// The arguments, after the name.
  let usage: String
  /// One line for the overview.
  let summary: String
  /// Further text for `help NAME`. Made on use, because every start makes the list of subcommands.
  let details: @Sendable () -> TerminalText
  let examples: [String]
  let options: [Option]
  let positionals: [Positional]
  /// Whether the parameters of the command are options, too.
  let takesParameters: Bool
  let run: @Sendable ([String]) throws(UsageError) -> Int32
  /// Prints help for what the words name. Returns nil for the help of the subcommand itself.
  let help: @Sendable (_ words: [String]) throws(UsageError) -> Int32?

  init(
    name: String, usage: String, summary: String,
    details: @escaping @autoclosure @Sendable () -> TerminalText, examples: [String],
    options: [Option], positionals: [Positional] = [], takesParameters: Bool = false,
    run: @escaping @Sendable ([String]) throws(UsageError) -> Int32,
    help: @escaping @Sendable ([String]) throws(UsageError) -> Int32? = { _ in nil }
  ) {
    self.name = name
    self.usage = usage
    self.summary = summary
    self.details = details
    self.examples = examples
    self.options = options
    self.positionals = positionals
    self.takesParameters = takesParameters
    self.run = run
    self.help = help
  }
}

enum Subcommands {
  static let all = [
    ServeCommand.description, RunCommand.description, CallCommand.description,
    FollowCommand.description,
    CapabilitiesCommand.description, SampleCommand.description, AuthCommand.description,
    DoctorCommand.description, AuditCommand.description,
    PluginCommand.description, SandboxCommand.description, MCPConfigCommand.description,
    JSONPathCommand.description, CompletionCommand.description, ManCommand.description,
    VersionCommand.description,
  ]
}
