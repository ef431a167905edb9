import Basics
import Glibc
import Engine
import IntegrationKit
import JSON

/// `sallyport mcp-config`
enum MCPConfigCommand {
  static var description: Subcommand {
    Subcommand(
      name: "mcp-config", usage: "CLIENT [--name NAME] [OPTIONS OF serve]",
      about: "the block that a user pastes into an agent or editor",
      details: """
        Prints the JSON with which CLIENT starts sallyport serve with these options; paths become
        absolute, since agents start it somewhere else. No secret is copied: what the connections
        file takes from the environment is named, so that the agent can hand it on.

        \(Style.bold("Clients"))
        \(AgentClient.allCases.map { "  \($0.rawValue.padded(14))  \($0.place)" }
          .joined(separator: "\n"))
        """,
      examples: [
        "sallyport mcp-config claude-desktop --connections connections.json",
        "mkdir -p .vscode && sallyport mcp-config vscode --sandbox > .vscode/mcp.json",
      ],
      options: options, run: run)
  }

  private static let options =
    [Option("--name", "NAME", "what the client calls it (default sallyport)")]
    + CommonOptions.list + AgentOptions.list

  static func run(_ words: [String]) throws(UsageError) -> Int32 {
    let arguments = try ParsedArguments(words, options: options)
    let client = try client(arguments)
    // What serve would refuse is refused here, where somebody sees it.
    _ = try AgentOptions.read(arguments)
    _ = try CommonOptions.limits(arguments)
    _ = try CommonOptions.engine(arguments)
    if let name = arguments["--name"], name.isEmpty { throw UsageError("--name takes a name") }
    let variables = try environmentVariables(arguments)
    let block = client.block(
      name: arguments["--name"] ?? Product.name, executable: try executable(),
      arguments: ["serve"] + serveWords(arguments), variables: variables)
    Console.print(PrettyJSON.text(block.json))
    Console.error("\(client.title): \(client.place)")
    if connectionsFile(arguments) == nil, !arguments.has("--sandbox") {
      Console.error(
        "There are no connections: --connections FILE names them, and --sandbox tries it without."
          .wrapped())
    }
    if !client.expandsVariables, !variables.isEmpty {
      Console.error(
        """
        The connections file needs \(variables.joined(separator: ", ")) in the environment: \
        \(client.title) does not hand them on; keep these secrets with $file or $command.
        """.wrapped())
    }
    return 0
  }

  private static func client(_ arguments: ParsedArguments) throws(UsageError) -> AgentClient {
    let names = AgentClient.allCases.map(\.rawValue)
    guard let name = arguments.positionals.first else {
      throw UsageError(
        "mcp-config needs a client", remedy: "One of \(names.joined(separator: ", ")).")
    }
    guard arguments.positionals.count == 1 else {
      throw UsageError("mcp-config takes one client, not also \(arguments.positionals[1])")
    }
    guard let client = AgentClient(rawValue: name) else {
      throw UsageError(
        "there is no client \(name)", didYouMean: Suggestion.closest(to: name, among: names),
        remedy: "There is \(names.joined(separator: ", ")); many others take the block of cursor.")
    }
    return client
  }

  private static func executable() throws(UsageError) -> String {
    var buffer = [UInt8](repeating: 0, count: 4_096)
    let count = buffer.withUnsafeMutableBytes {
      readlink("/proc/self/exe", $0.bindMemory(to: CChar.self).baseAddress!, $0.count)
    }
    guard count > 0 else { throw UsageError("the place of this executable cannot be found") }
    return String(decoding: buffer.prefix(count), as: UTF8.self)
  }

  private static func connectionsFile(_ arguments: ParsedArguments) -> String? {
    if let path = arguments["--connections"] { return path }
    guard !arguments.has("--sandbox"), let path = getenv("SALLYPORT_CONNECTIONS") else {
      return nil
    }
    return String(cString: path)
  }

  /// The options as serve takes them.
  private static func serveWords(_ arguments: ParsedArguments) -> [String] {
    var words: [String] = []
    for option in options where option.name != "--name" {
      guard let kind = option.value else {
        if arguments.has(option.name) { words.append(option.name) }
        continue
      }
      var values = arguments.all(option.name)
      if option.name == "--connections", let file = connectionsFile(arguments) { values = [file] }
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

  /// The variables that the secrets of the connections file are taken from.
  private static func environmentVariables(
    _ arguments: ParsedArguments
  ) throws(UsageError) -> [String] {
    guard let path = connectionsFile(arguments) else { return [] }
    let content: [UInt8]
    do throws(FileError) {
      content = try FileDescriptor.readFile(path, limit: ConnectionStore.maximumFileBytes)
    } catch {
      throw UsageError("the connections file cannot be read: \(error)")
    }
    guard let json = try? JSON.parse(content) else {
      throw UsageError("the connections file \(path) is not JSON")
    }
    return variables(in: json)
  }

  private static func variables(in json: JSON) -> [String] {
    var names: [String] = []
    for member in json.members {
      if member.name.equals("$env"), let name = member.value.string { names.append(name) }
      names += variables(in: member.value)
    }
    var unique: [String] = []
    for name in names where !unique.contains(name) { unique.append(name) }
    return unique
  }
}

/// An agent or editor, and what its configuration looks like.
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

  /// Where the block goes.
  var place: String {
    switch self {
    case .claudeDesktop: "claude_desktop_config.json (Settings, Developer, Edit Config)"
    case .claudeCode: ".mcp.json in the project"
    case .vscode: ".vscode/mcp.json in the workspace"
    case .cursor: ".cursor/mcp.json in the project, or ~/.cursor/mcp.json"
    case .zed: "settings.json (command palette: zed: open settings)"
    }
  }

  /// The member that holds the servers.
  private var group: String {
    switch self {
    case .claudeDesktop, .claudeCode, .cursor: "mcpServers"
    case .vscode: "servers"
    case .zed: "context_servers"
    }
  }

  private var namesTransport: Bool { self == .claudeCode || self == .vscode }

  var expandsVariables: Bool { self != .claudeDesktop && self != .zed }

  /// How the client writes the value of a variable of its own environment.
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
