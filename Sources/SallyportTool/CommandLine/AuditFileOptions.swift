import Basics
import Engine

/// The options of the audit file.
enum AuditFileOptions {
  private static let file = Option(
    "--audit", "FILE", "append one JSON line per event: started, finished and refused commands, …")
  private static let arguments = Option(
    "--audit-arguments", "MODE", "arguments in the audit file: full (default), hash or none")
  private static let required = Option(
    "--audit-required", nil, "refuse what cannot be recorded in the audit file")

  static let list = [file, arguments, required]

  /// - Returns: nil without an audit file.
  static func read(
    _ words: ParsedArguments
  ) throws(UsageError) -> (path: String, options: AuditOptions)? {
    guard let path = words[file.name] else {
      for option in [arguments, required] where words.has(option.name) {
        throw UsageError("\(option.name) requires --audit")
      }
      return nil
    }
    var options = AuditOptions()
    options.isRequired = words.has(required.name)
    if let name = words[arguments.name] {
      guard let mode = AuditOptions.Arguments(rawValue: name) else {
        let names = AuditOptions.Arguments.allCases.map(\.rawValue)
        let expected = names.joined(separator: ", ")
        throw UsageError(
          "\(arguments.name): unknown value \"\(name)\"; expected one of: \(expected)",
          didYouMean: Suggestion.closest(to: name, among: names))
      }
      options.arguments = mode
    }
    return (path, options)
  }
}
