import Basics

/// Which commands may run on a connection.
public struct ConnectionPolicy: ParameterObject {
  public static let naming = ParameterShape.Naming.verbatim
  public let isReadOnly: Bool
  /// Globs over command ids; nil allows all.
  public let allow: [String]?
  public let deny: [String]

  public init(_ members: inout ParamReader) {
    isReadOnly = members.optional(
      "read_only", .boolean, "Refuse every command that changes something.", default: false)
    allow = members.optional(
      "allow", .list(of: .text), "Commands that may run, as globs over ids, such as list_*.")
    deny = members.optional(
      "deny", .list(of: .text), "Commands that may not run, even when allowed.", default: [])
  }

  /// Why a command may not run, or nil when it may.
  func refusal(of id: String, effect: CommandMetadata.Effect) -> String? {
    if isReadOnly && effect != .read { return "the connection is read-only" }
    if deny.contains(where: { Glob.matches($0, id) }) {
      return "the connection's policy denies it"
    }
    if let allow, !allow.contains(where: { Glob.matches($0, id) }) {
      return "the connection's policy does not allow it"
    }
    return nil
  }
}

/// Patterns with `*` for any run of characters and `?` for one.
public enum Glob {
  public static func matches(_ pattern: String, _ text: String) -> Bool {
    let pattern = Array(pattern.utf8)
    let text = Array(text.utf8)
    var (at, star, resume) = (0, -1, 0)
    var position = 0
    while position < text.count {
      if at < pattern.count, pattern[at] == UInt8(ascii: "*") {
        (star, resume) = (at, position)
        at += 1
      } else if at < pattern.count,
        pattern[at] == text[position] || pattern[at] == UInt8(ascii: "?")
      {
        at += 1
        position += 1
      } else if star >= 0 {
        // Let the last star take one character more.
        resume += 1
        (at, position) = (star + 1, resume)
      } else {
        return false
      }
    }
    return pattern[at...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}
