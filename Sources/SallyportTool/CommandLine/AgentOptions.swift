import Basics
import Engine
import IntegrationKit
import MCPFront

/// The options of `serve` for agents and editors.
enum AgentOptions {
  static let list = [
    Option("--tools", "GLOBS", "tools offered to agents: 'gmail__*,*__list_*' (repeatable)"),
    Option(
      "--confirm", "WHEN",
      "ask the agent's user to confirm, and reject the command if that is not possible: always "
        + "(all changes), destructive (default: destructive and sensitive commands), never",
      choices: MCPOptions.Confirmation.allCases.map(\.rawValue)),
    Option(
      "--catalogue", "MODE",
      "full (default), or compact: three tools that find and run all commands",
      choices: MCPOptions.CatalogueMode.allCases.map(\.rawValue)),
    Option(
      "--tool-timeout", "S",
      "timeout of a tool call in seconds, with the question to the user; a longer wait fails fast "
        + "(default: none; 600 for the question)"),
    Option("--tools-per-page", "N", "tools per page of tools/list (default 200)"),
    Option(
      "--max-tool-result-bytes", "N",
      "larger tool results are stored as files, in bytes (default 65536)"),
  ]

  static func read(_ arguments: ParsedArguments) throws(UsageError) -> MCPOptions {
    var options = MCPOptions()
    options.tools = try globs(arguments.all("--tools"), isReadOnly: arguments.has("--read-only"))
    options.confirmation = try choice(arguments, "--confirm") ?? options.confirmation
    options.catalogueMode = try choice(arguments, "--catalogue") ?? options.catalogueMode
    options.timeoutSeconds = try arguments.integer("--tool-timeout", minimum: 1, maximum: 86_400)
    options.toolsPerPage =
      try arguments.integer("--tools-per-page", minimum: 1) ?? options.toolsPerPage
    options.maximumResultBytes =
      try arguments.integer("--max-tool-result-bytes", minimum: 1_024)
      ?? options.maximumResultBytes
    return options
  }

  /// - Throws: if a pattern matches no tool, which is probably a typing error.
  private static func globs(
    _ texts: [String], isReadOnly: Bool
  ) throws(UsageError) -> [String]? {
    guard !texts.isEmpty else { return nil }
    let globs = texts.flatMap { $0.split(separator: ",").map(String.init) }
    guard !globs.isEmpty else {
      throw UsageError("--tools requires tool names or patterns, such as 'gmail__*'")
    }
    Integrations.catalogue.loadAll()
    let names = Integrations.catalogue.toolNames()
    for glob in globs where !names.contains(where: { Glob.matches(glob, $0) }) {
      throw UsageError(
        "--tools: no tool matches \"\(glob)\"",
        didYouMean: Suggestion.closest(to: glob, among: names),
        remedy: "Example: \(names[0]). 'gmail__*' matches all tools of gmail.")
    }
    let readers = Integrations.catalogue.toolNames { $0.effect == .read }
    if isReadOnly, !globs.contains(where: { glob in readers.contains { Glob.matches(glob, $0) } }) {
      throw UsageError("--tools and --read-only leave no tools: all matching tools change data")
    }
    return globs
  }

  private static func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ arguments: ParsedArguments, _ name: String
  ) throws(UsageError) -> Choice? {
    guard let text = arguments[name] else { return nil }
    if let choice = Choice(rawValue: text) { return choice }
    let names = Choice.allCases.map(\.rawValue)
    throw UsageError(
      "\(name): unknown value \"\(text)\"; expected one of: \(names.joined(separator: ", "))",
      didYouMean: Suggestion.closest(to: text, among: names))
  }
}
