import Basics
import Engine
import Glibc
import IntegrationKit
import JSON

/// What the shell may insert for the last word of a command line, from the tables that make the help.
struct Completion {
  /// Files that the shell completes by itself.
  enum Files: String {
    case none, files, directories
  }

  struct Candidate: Equatable {
    let value: String
    let summary: String
  }

  /// The beginning of the word that stays, such as `--log-level=` or `@`.
  private(set) var prefix = ""
  private(set) var files = Files.none
  private(set) var candidates: [Candidate] = []

  /// - Parameters:
  ///   - words: before the word, without the name of the program.
  ///   - word: may be empty.
  init(_ words: [String], _ word: String) {
    guard let name = words.first else {
      add(Subcommands.all.map { Candidate(value: $0.name, summary: $0.summary) }, to: word)
      let options = ["--help", "--version"].map { Candidate(value: $0, summary: "") }
      if word.hasPrefix("-") { add(options, to: word) }
      return
    }
    if name == "help" {
      if words.count == 1 {
        add(Subcommands.all.map { Candidate(value: $0.name, summary: $0.summary) }, to: word)
      }
      return
    }
    guard let subcommand = Subcommands.all.first(where: { $0.name == name }) else { return }
    complete(word, of: subcommand, CompletionWords(Array(words.dropFirst()), of: subcommand))
  }

  private mutating func complete(
    _ word: String, of subcommand: Subcommand, _ words: CompletionWords
  ) {
    if let option = words.openOption { return complete(word, valueOf: option, words) }
    if word.hasPrefix("--"), let end = word.firstIndex(of: "=") {
      prefix = String(word[...end])
      guard let option = words.option(String(word[..<end])) else { return }
      return complete(String(word[word.index(after: end)...]), valueOf: option, words)
    }
    if word.hasPrefix("-") && !words.hasEnded {
      let help = Option("--help", nil, "print help")
      let options = words.options + [help]
      return add(options.map { Candidate(value: $0.name, summary: $0.summary) }, to: word)
    }
    let position = min(words.positionals.count, subcommand.positionals.count - 1)
    guard position >= 0,
      words.positionals.count <= position || subcommand.positionals[position].isRepeated
    else { return }
    switch subcommand.positionals[position] {
    case .integration:
      add(
        CompletionWords.integrations.map {
          Candidate(value: $0.id, summary: "\($0.metadata.title)")
        },
        to: word)
    case .command:
      let commands = words.integration?.commands ?? []
      add(commands.map { Candidate(value: $0.id, summary: "\($0.metadata.title)") }, to: word)
    case .files: files = .files
    case .directories: files = .directories
    case .choices(let choices):
      add(choices.map { Candidate(value: $0, summary: "") }, to: word)
    }
  }

  private mutating func complete(_ word: String, valueOf option: Option, _ words: CompletionWords) {
    if let parameter = words.parameter(of: option) {
      return complete(word, of: parameter)
    }
    switch option.value {
    case _ where !option.choices.isEmpty:
      add(option.choices.map { Candidate(value: $0, summary: "") }, to: word)
    case "FILE", "OUT": files = .files
    case "DIR": files = .directories
    case "NAME" where option.name == "--connection":
      add(words.connections.map { Candidate(value: $0, summary: "") }, to: word)
    default: break
    }
  }

  /// The value of a parameter of a command.
  private mutating func complete(_ word: String, of form: ArgumentForm) {
    if word.hasPrefix("@"), !word.hasPrefix("@@") {
      prefix += "@"
      files = .files
      return
    }
    var rest = word[...]
    if form.isList, let comma = word.lastIndex(of: ",") {
      prefix += word[...comma]
      rest = word[word.index(after: comma)...]
    }
    add(form.choices.map { Candidate(value: $0, summary: "") }, to: String(rest))
  }

  /// Adds those that begin like the word. A value that a line of output cannot hold is left out.
  private mutating func add(_ all: [Candidate], to word: String) {
    candidates += all.filter { candidate in
      candidate.value.hasPrefix(word)
        && !candidate.value.unicodeScalars.contains {
          $0.isHiddenControl || $0 == "\t" || $0 == "\n"
        }
    }
  }

  /// For the scripts of the shells: how files are completed and the prefix, then a line for each candidate.
  var lines: [String] {
    ["\(files.rawValue)\t\(prefix)"]
      + candidates.map { "\($0.value)\t\($0.summary.visibleOnOneLine)" }
  }
}
