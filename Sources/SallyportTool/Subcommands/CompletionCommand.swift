import Basics

/// `sallyport completion`, and `sallyport __complete`, which its scripts call.
enum CompletionCommand {
  /// Not in the list of subcommands.
  static let hiddenName = "__complete"

  static var description: Subcommand {
    Subcommand(
      name: "completion", usage: "bash|zsh|fish",
      summary: "print a script that completes command lines in a shell",
      details: """
        Completes subcommands, options, integrations, commands, their parameters and choices, and the
        names of connections. Plugins are completed if they have a lock.

          bash  sallyport completion bash > ~/.local/share/bash-completion/completions/sallyport
          zsh   sallyport completion zsh > a file _sallyport in a directory of $fpath
          fish  sallyport completion fish > ~/.config/fish/completions/sallyport.fish
        """,
      examples: ["source <(sallyport completion bash)"],
      options: [], positionals: [.choices(Shell.allCases.map(\.rawValue))], run: run)
  }

  enum Shell: String, CaseIterable {
    case bash, zsh, fish

    var script: String {
      switch self {
      case .bash: CompletionScripts.bash
      case .zsh: CompletionScripts.zsh
      case .fish: CompletionScripts.fish
      }
    }
  }

  private static func run(_ words: [String]) throws(UsageError) -> Int32 {
    let names = Shell.allCases.map(\.rawValue)
    let arguments = try ParsedArguments(words, options: [])
    guard let name = arguments.positionals.first else {
      throw UsageError("missing shell", remedy: "Use one of: \(names.joined(separator: ", ")).")
    }
    guard let shell = Shell(rawValue: name), arguments.positionals.count == 1 else {
      throw UsageError(
        "unknown shell \"\(name)\"; expected one of: \(names.joined(separator: ", "))",
        didYouMean: Suggestion.closest(to: name, among: names))
    }
    Console.print(.own(shell.script))
    return 0
  }

  /// - Parameter words: the shell, and the words of its command line behind the name of the program, up to
  ///   the one that is completed.
  static func complete(_ words: [String]) throws(UsageError) -> Int32 {
    guard let name = words.first, let shell = Shell(rawValue: name) else {
      throw UsageError("\(hiddenName) is for the scripts of sallyport completion")
    }
    var words = Array(words.dropFirst())
    // Bash passes words as they were typed.
    if shell == .bash { words = words.map(ShellWord.unquoted) }
    let word = words.popLast() ?? ""
    try? PluginOptions.installLocked(from: words)
    Console.print(.own(Completion(words, word).lines.joined(separator: "\n")))
    return 0
  }
}
