import FileStore
import IntegrationKit
import JSON

/// What callers may not do, although their requests are valid, because they are only half trusted.
package struct Fences: Sendable {
  /// Rejects every method that is not of the Model Context Protocol.
  package var allowsOnlyAgents = false
  /// Rejects connections of callers: only those of the connections file can be used.
  package var allowsOnlyConfiguredConnections = false
  /// Where `files/put` may read files by path. Empty: nowhere.
  package var readableDirectories: [ReadableDirectory] = []

  package init() {}

  /// The error of a method that is not of the Model Context Protocol; nil if it is allowed.
  package func refusal(ofHostMethod name: String) -> CommandError? {
    guard allowsOnlyAgents else { return nil }
    return CommandError(
      .policy, "\(name) is not allowed: the host was started with --mcp-only.",
      remedy: "Use tools/call, or a host without --mcp-only.")
  }

  /// The error of an action that brings a connection of the caller; nil if it is allowed.
  ///
  /// - Parameter action: what the caller asked for, such as `connections/put`.
  package func refusal(ofConnectionBy action: String) -> CommandError? {
    guard allowsOnlyConfiguredConnections else { return nil }
    return CommandError(
      .policy, "\(action) is not allowed: the host was started with --connections-only.",
      remedy: "Use a connection of the connections file, or a host without --connections-only.")
  }

  /// The error of a path that `files/put` may not read.
  package var pathRefusal: CommandError {
    readableDirectories.isEmpty
      ? CommandError(
        .policy, "path is not allowed: the host was started without --files-from.",
        remedy: "Pass content_base64, or use a host with --files-from DIR.")
      : CommandError(
        .policy, "The path is not below a directory of --files-from.",
        remedy: "Pass content_base64, or a path below one of the directories; limits lists them.")
  }
}
