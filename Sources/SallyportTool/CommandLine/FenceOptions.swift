import Basics
import Engine
import FileStore

/// The options for callers that are only half trusted.
enum FenceOptions {
  /// Of every host that reads requests.
  static let list = [
    Option(
      "--connections-only", nil,
      "reject connections of callers: connections/put, connections/remove and inline ones"),
    Option(
      "--files-from", "DIR",
      "files/put may read a path below DIR (repeatable; default: no path)"),
  ]
  static let agentsOnly = Option(
    "--mcp-only", nil, "reject all methods except those of the Model Context Protocol")

  static func read(_ arguments: ParsedArguments) throws(UsageError) -> Fences {
    var fences = Fences()
    fences.allowsOnlyConfiguredConnections = arguments.has("--connections-only")
    fences.allowsOnlyAgents = arguments.has("--mcp-only")
    for path in arguments.all("--files-from") {
      do throws(FileError) {
        fences.readableDirectories.append(try ReadableDirectory(path))
      } catch {
        throw UsageError("--files-from: \(error)", remedy: "Use a directory that exists.")
      }
    }
    return fences
  }
}
