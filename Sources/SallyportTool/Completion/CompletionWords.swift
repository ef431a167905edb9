import Basics
import Engine
import Glibc
import IntegrationKit
import JSON

/// The words of a command line before the one that is completed.
struct CompletionWords {
  private(set) var positionals: [String] = []
  /// The option whose value is completed; nil for none.
  private(set) var openOption: Option?
  /// Whether no further options are allowed.
  private(set) var hasEnded = false
  private(set) var options: [Option]
  let integration: RegisteredIntegration?
  private let command: RegisteredCommand?
  private var connectionsFile: String?

  init(_ words: [String], of subcommand: Subcommand) {
    let known = subcommand.options
    let (names, _) = Self.read(words, known)
    (integration, command) = Self.find(names.positionals, of: subcommand)
    options =
      (subcommand.takesParameters ? command.map(CallArguments.options) ?? [] : []) + known
    (self.positionals, openOption, hasEnded) = (names.positionals, nil, false)
    let (read, open) = Self.read(words, options)
    (positionals, hasEnded, connectionsFile) = (read.positionals, read.hasEnded, read.connections)
    openOption = open
  }

  private struct Read {
    var positionals: [String] = []
    var hasEnded = false
    var connections: String?
  }

  /// Like `ParsedArguments`, without errors.
  private static func read(_ words: [String], _ known: [Option]) -> (Read, open: Option?) {
    var read = Read()
    var open: Option?
    for word in words {
      if let option = open {
        open = nil
        if option.name == CommonOptions.connections.name { read.connections = word }
        // A switch-like option may have no value.
        if option.implied == nil || !word.hasPrefix("--") { continue }
      }
      guard word.hasPrefix("--"), !read.hasEnded else {
        read.positionals.append(word)
        continue
      }
      if word == "--" {
        read.hasEnded = true
      } else if let end = word.firstIndex(of: "=") {
        if word[..<end] == CommonOptions.connections.name {
          read.connections = String(word[word.index(after: end)...])
        }
      } else if let option = known.first(where: { $0.name == spelled(word) }), option.value != nil {
        open = option
      }
    }
    return (read, open)
  }

  private static func spelled(_ word: String) -> String {
    String(word.map { $0 == "_" ? "-" : $0 })
  }

  func option(_ name: String) -> Option? {
    options.first { $0.name == Self.spelled(name) }
  }

  /// - Returns: nil unless the option is a parameter of the command.
  func parameter(of option: Option) -> ArgumentForm? {
    guard let command,
      let name = command.shape.names.first(where: { CallArguments.optionName($0) == option.name })
    else { return nil }
    return command.shape.form(of: name)
  }

  // MARK: Names

  /// Those that are known without starting a program.
  static var integrations: [RegisteredIntegration] {
    Integrations.inExecutable + (Integrations.plugins.value?.known ?? [])
  }

  private static func find(
    _ names: [String], of subcommand: Subcommand
  ) -> (RegisteredIntegration?, RegisteredCommand?) {
    guard case .integration? = subcommand.positionals.first, let id = names.first else {
      return (nil, nil)
    }
    let integration = integrations.first { $0.id == id }
    let command = names.dropFirst().first.flatMap { id in
      integration?.commands.first { $0.id == id }
    }
    return (integration, command)
  }

  /// Bytes of a connections file.
  private static let maximumFileBytes = ConnectionStore.maximumFileBytes
  /// Milliseconds in which it is read. It may be a pipe that nobody writes to.
  private static let patienceMilliseconds = 300

  /// The names in the connections file, of the integration if one is named.
  var connections: [String] {
    let file = connectionsFile ?? getenv("SALLYPORT_CONNECTIONS").map { String(cString: $0) }
    guard var path = file else { return [] }
    // The shell has not expanded it.
    if path.hasPrefix("~/"), let home = getenv("HOME") {
      path = String(cString: home) + path.dropFirst()
    }
    guard
      let content = try? TrustedFile.read(
        path, limit: Self.maximumFileBytes,
        deadline: Deadline(inMilliseconds: Self.patienceMilliseconds)),
      let document = try? JSON.parse(content.bytes)
    else { return [] }
    return (document["connections"]?.members.map { $0 } ?? []).compactMap { member in
      guard let integration else { return member.name.string }
      let isOfIt = member.value["integration"]?.equals(integration.id) == true
      return isOfIt ? member.name.string : nil
    }
  }
}
