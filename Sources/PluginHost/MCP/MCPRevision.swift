import Basics
import JSON

/// A revision of the Model Context Protocol that the host speaks with a server.
enum MCPRevision: String, CaseIterable, Sendable {
  case november2024 = "2024-11-05"
  case march2025 = "2025-03-26"
  case june2025 = "2025-06-18"
  case november2025 = "2025-11-25"
  case july2026 = "2026-07-28"

  static let latestWithHandshake = november2025
  static let latest = july2026

  /// Whether each request contains the revision, instead of one handshake.
  var isStateless: Bool { self == .july2026 }

  /// Writes the `_meta` of a request as a member; nothing if it would be empty.
  func writeMeta(
    to writer: inout JSONWriter, progressToken: Int64? = nil, traceparent: String? = nil
  ) {
    guard isStateless || progressToken != nil || traceparent != nil else { return }
    writer.name("_meta")
    writer.object { writer in
      if isStateless {
        writer.member("io.modelcontextprotocol/protocolVersion", rawValue)
        writer.name("io.modelcontextprotocol/clientInfo")
        Self.writeClient(to: &writer)
        // The host asks no user and no model for a server.
        writer.name("io.modelcontextprotocol/clientCapabilities")
        writer.object { _ in }
      }
      if let progressToken { writer.member("progressToken", Int(progressToken)) }
      writer.member(ifPresent: "traceparent", traceparent)
    }
  }

  static func writeClient(to writer: inout JSONWriter) {
    writer.object {
      $0.member("name", Product.name)
      $0.member("version", Product.version)
    }
  }
}
