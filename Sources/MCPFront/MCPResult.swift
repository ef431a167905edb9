import Basics
import JSON

/// How long a client may keep an answer (2026-07-28).
struct MCPCaching: Sendable {
  /// Milliseconds.
  let milliseconds: Int
  /// Whether it may be shown to others than this client's user.
  let isPublic: Bool

  /// What the connections decide.
  static let lists = MCPCaching(milliseconds: 60_000, isPublic: false)
  /// What changes with every command that stores a file.
  static let none = MCPCaching(milliseconds: 0, isPublic: false)
  /// What an executable never changes.
  static let build = MCPCaching(milliseconds: 3_600_000, isPublic: true)
  /// A file never changes under its id.
  static let file = MCPCaching(milliseconds: 3_600_000, isPublic: false)
}

extension JSONWriter {
  /// Writes a result with what its revision wants around it.
  mutating func result(
    for caller: MCPCaller, _ type: StaticString = "complete", caching: MCPCaching? = nil,
    _ body: (inout JSONWriter) -> Void
  ) {
    object { writer in
      if caller.revision.isStateless {
        writer.member("resultType", "\(type)")
        if let caching {
          writer.member("ttlMs", caching.milliseconds)
          writer.member("cacheScope", caching.isPublic ? "public" : "private")
        }
        writer.name("_meta")
        writer.object { writer in
          writer.name(text: MCPMeta.serverInfo)
          writer.implementation(for: caller)
        }
      }
      body(&writer)
    }
  }

  /// Who this is.
  mutating func implementation(for caller: MCPCaller) {
    object {
      $0.member("name", Product.name)
      if caller.revision.hasStructuredContent { $0.member("title", "Sallyport") }
      $0.member("version", Product.version)
    }
  }
}
