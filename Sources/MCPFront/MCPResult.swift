import Basics
import JSON

/// How long a client may cache a result (2026-07-28).
struct MCPCaching: Sendable {
  /// Milliseconds.
  let milliseconds: Int
  /// Whether the cache may be shared between users.
  let isPublic: Bool

  /// For results that depend on the connections.
  static let lists = MCPCaching(milliseconds: 60_000, isPublic: false)
  /// For results that change when a command stores a file.
  static let none = MCPCaching(milliseconds: 0, isPublic: false)
  /// For results that depend only on the executable.
  static let build = MCPCaching(milliseconds: 3_600_000, isPublic: true)
  /// For files, which never change.
  static let file = MCPCaching(milliseconds: 3_600_000, isPublic: false)
}

extension JSONWriter {
  /// Writes a result with the members that the revision requires.
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

  /// Writes name and version of the host.
  mutating func implementation(for caller: MCPCaller) {
    object {
      $0.member("name", Product.name)
      if caller.revision.hasStructuredContent { $0.member("title", "Sallyport") }
      $0.member("version", Product.version)
    }
  }
}
