import Basics
import Engine
import Glibc
import IntegrationKit
import JSON

/// `sallyport mcp-config`
enum MCPConfigCommand {
  static var description: Subcommand {
    Subcommand(
      name: "mcp-config", usage: "CLIENT [--name NAME] [OPTIONS OF serve]",
      summary: "print the configuration for an agent or editor",
      details: """
        Prints the JSON configuration for CLIENT to start sallyport serve with these options. Paths
        become absolute, because agents use another working directory. No secrets are copied: the
        configuration names the environment variables that the connections file uses, so that the
        client can pass them on.

        \(Style.bold("Clients"))
        \(AgentClient.allCases.map { "  \($0.rawValue.padded(14))  \($0.location)" as TerminalText }
          .joined(separator: "\n"))
        """,
      examples: [
        "sallyport mcp-config claude-desktop --connections connections.json",
        "mkdir -p .vscode && sallyport mcp-config vscode --sandbox > .vscode/mcp.json",
      ],
      options: options, positionals: [.choices(AgentClient.allCases.map(\.rawValue))], run: run)
  }

  private static let options =
    [Option("--name", "NAME", "the name in the client (default sallyport)")]
    + ServeCommand.options

  static func run(_ words: [String]) throws(UsageError) -> Int32 {
    let arguments = try ParsedArguments(words, options: options)
    let client = try client(arguments)
    // Reports what serve would reject here, where the user sees it.
    _ = try CommonOptions.limits(arguments)
    _ = try CommonOptions.engine(arguments)
    _ = try AgentOptions.read(arguments)
    if let name = arguments["--name"], name.isEmpty { throw UsageError("--name requires a name") }
    let variables = try environmentVariables(arguments)
    let block = client.block(
      name: arguments["--name"] ?? Product.name, executable: try executable(),
      arguments: ["serve"] + (try serveWords(arguments)), variables: variables)
    Console.print(json: PrettyJSON.text(block.json))
    Console.error("\(client.title): \(client.location)")
    if connectionsFile(arguments) == nil, !arguments.has("--sandbox") {
      Console.error(
        TerminalText(
          lines: "No connections are configured. Use --connections FILE, or --sandbox to try it."
            .wrapped()))
    }
    if !client.expandsVariables, !variables.isEmpty {
      Console.error(
        TerminalText(
          lines: """
            The connections file needs \(variables.joined(separator: ", ")) in the environment, but \
            \(client.title) does not pass them on. Use $file or $command for these secrets.
            """.wrapped()))
    }
    return 0
  }

  private static func client(_ arguments: ParsedArguments) throws(UsageError) -> AgentClient {
    let names = AgentClient.allCases.map(\.rawValue)
    guard let name = arguments.positionals.first else {
      throw UsageError(
        "missing client", remedy: "Use one of: \(names.joined(separator: ", ")).")
    }
    guard arguments.positionals.count == 1 else {
      throw UsageError("unexpected argument \"\(arguments.positionals[1])\"")
    }
    guard let client = AgentClient(rawValue: name) else {
      throw UsageError(
        "unknown client \"\(name)\"", didYouMean: Suggestion.closest(to: name, among: names),
        remedy:
          "Use one of: \(names.joined(separator: ", ")). Many others accept the format of cursor."
      )
    }
    return client
  }

  private static func executable() throws(UsageError) -> String {
    var buffer = [UInt8](repeating: 0, count: 4_096)
    let count = buffer.withUnsafeMutableBytes {
      readlink("/proc/self/exe", $0.bindMemory(to: CChar.self).baseAddress!, $0.count)
    }
    guard count > 0 else {
      // Without /proc.
      guard let path = ProcessStart.arguments.first, path.contains("/") else {
        throw UsageError(
          "cannot find the path of this executable",
          remedy: "Start it by its path, or mount /proc.")
      }
      return absolute(path)
    }
    return String(decoding: buffer.prefix(count), as: UTF8.self)
  }

  private static func connectionsFile(_ arguments: ParsedArguments) -> String? {
    if let path = arguments["--connections"] { return path }
    guard !arguments.has("--sandbox"), let path = getenv("SALLYPORT_CONNECTIONS") else {
      return nil
    }
    return String(cString: path)
  }

  /// The options in the form for serve.
  private static func serveWords(_ arguments: ParsedArguments) throws(UsageError) -> [String] {
    var words: [String] = []
    for option in options where option.name != "--name" {
      guard let kind = option.value else {
        if arguments.has(option.name) { words.append(option.name) }
        continue
      }
      var values = arguments.all(option.name)
      if option.name == "--connections", let file = connectionsFile(arguments) { values = [file] }
      if option.name == PluginOptions.directory.name, values.isEmpty {
        values = try PluginOptions.directories([])
      }
      for value in values {
        words += [option.name, kind == "FILE" || kind == "DIR" ? absolute(value) : value]
      }
    }
    return words
  }

  private static func absolute(_ path: String) -> String {
    if path.hasPrefix("/") { return path }
    guard let folder = getcwd(nil, 0) else { return path }
    defer { free(folder) }
    let relative = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
    return "\(String(cString: folder))/\(relative)"
  }

  /// The environment variables that the connections file uses for secrets.
  private static func environmentVariables(
    _ arguments: ParsedArguments
  ) throws(UsageError) -> [String] {
    guard let path = connectionsFile(arguments) else { return [] }
    let content: [UInt8]
    do throws(FileError) {
      content = try TrustedFile.read(path, limit: ConnectionStore.maximumFileBytes).bytes
    } catch {
      throw UsageError("cannot read the connections file: \(error)")
    }
    guard let json = try? JSON.parse(content) else {
      throw UsageError("the connections file \(path) is not valid JSON")
    }
    return variables(in: json)
  }

  private static func variables(in json: JSON) -> [String] {
    var names: [String] = []
    for member in json.members {
      if member.name.equals("$env"), let name = member.value.string { names.append(name) }
      // Those that a program of $command gets.
      if member.name.equals("environment"), json["$command"] != nil {
        names += member.value.elements.compactMap(\.string)
      }
      names += variables(in: member.value)
    }
    var unique: [String] = []
    for name in names where !unique.contains(name) { unique.append(name) }
    return unique
  }
}

/// An agent or editor and its configuration format.
private enum AgentClient: String, CaseIterable {
  case claudeDesktop = "claude-desktop"
  case claudeCode = "claude-code"
  case vscode
  case cursor
  case zed

  var title: String {
    switch self {
    case .claudeDesktop: "Claude Desktop"
    case .claudeCode: "Claude Code"
    case .vscode: "VS Code"
    case .cursor: "Cursor"
    case .zed: "Zed"
    }
  }

  /// The location of the configuration.
  var location: String {
    switch self {
    case .claudeDesktop: "claude_desktop_config.json (Settings, Developer, Edit Config)"
    case .claudeCode: ".mcp.json in the project"
    case .vscode: ".vscode/mcp.json in the workspace"
    case .cursor: ".cursor/mcp.json in the project, or ~/.cursor/mcp.json"
    case .zed: "settings.json (command palette: zed: open settings)"
    }
  }

  /// The member that contains the servers.
  private var group: String {
    switch self {
    case .claudeDesktop, .claudeCode, .cursor: "mcpServers"
    case .vscode: "servers"
    case .zed: "context_servers"
    }
  }

  private var namesTransport: Bool { self == .claudeCode || self == .vscode }

  var expandsVariables: Bool { self != .claudeDesktop && self != .zed }

  /// The client's syntax for an environment variable.
  private func reference(to variable: String) -> String {
    self == .claudeCode ? "${\(variable)}" : "${env:\(variable)}"
  }

  func block(
    name: String, executable: String, arguments: [String], variables: [String]
  ) -> JSONFragment {
    JSONFragment { writer in
      writer.object { writer in
        writer.name(text: group)
        writer.object { writer in
          writer.name(text: name)
          writer.object { writer in
            if namesTransport { writer.member("type", "stdio") }
            writer.member("command", executable)
            writer.name("args")
            writer.array { for argument in arguments { $0.string(argument) } }
            guard expandsVariables, !variables.isEmpty else { return }
            writer.name("env")
            writer.object { writer in
              for variable in variables {
                writer.name(text: variable)
                writer.string(reference(to: variable))
              }
            }
          }
        }
      }
    }
  }
}
