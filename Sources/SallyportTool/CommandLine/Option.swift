/// One option of a subcommand.
struct Option: Sendable {
  /// Including the dashes: `--connections`.
  let name: String
  /// The placeholder of the value in help texts; nil for a switch.
  let value: String?
  let summary: String
  /// The value if the option is given without one.
  let implied: String?
  /// The values, if only those are allowed.
  let choices: [String]

  init(
    _ name: String, _ value: String? = nil, _ summary: String, implied: String? = nil,
    choices: [String] = []
  ) {
    self.name = name
    self.value = value
    self.summary = summary
    self.implied = implied
    self.choices = choices
  }
}

/// A parsed command line.
struct ParsedArguments {
  /// In the order of the command line.
  private var options: [(name: String, value: String)] = []
  private(set) var positionals: [String] = []

  func has(_ name: String) -> Bool { self[name] != nil }

  /// The last value of an option.
  subscript(name: String) -> String? { options.last { $0.name == name }?.value }

  func all(_ name: String) -> [String] { options.filter { $0.name == name }.map(\.value) }

  /// Accepts `--name VALUE`, `--name=VALUE` and switches, mixed with positional arguments. `--`
  /// ends the options.
  ///
  /// - Throws: for an unknown option or a missing value.
  init(_ words: [String], options known: [Option]) throws(UsageError) {
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--" {
        positionals += rest
        return
      }
      guard word.hasPrefix("--") else {
        positionals.append(word)
        continue
      }
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      guard let option = known.first(where: { $0.name == name }) else {
        throw UsageError(
          "unknown option \"\(name)\"", didYouMean: Self.suggestion(name, known))
      }
      guard option.value != nil else {
        if parts.count > 1 { throw UsageError("\(name) takes no value") }
        options.append((name, ""))
        continue
      }
      if parts.count > 1 {
        options.append((name, String(parts[1])))
      } else if let value = rest.first, !known.contains(where: { $0.name == value }) {
        rest.removeFirst()
        options.append((name, value))
      } else if let implied = option.implied {
        options.append((name, implied))
      } else {
        throw UsageError("\(name) requires a value: \(name) \(option.value ?? "")")
      }
    }
  }

  private static func suggestion(_ name: String, _ options: [Option]) -> String? {
    Suggest.option(name, among: options.map(\.name))
  }

  /// An integer option; nil if it was not given.
  func integer(
    _ name: String, minimum: Int, maximum: Int = 1_000_000_000
  ) throws(UsageError) -> Int? {
    guard let text = self[name] else { return nil }
    guard let number = Int(text), number >= minimum, number <= maximum else {
      throw UsageError(
        "\(name) must be an integer from \(minimum) to \(maximum), not \"\(text)\"")
    }
    return number
  }
}
