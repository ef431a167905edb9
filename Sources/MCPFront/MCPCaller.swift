import Basics
import Engine
import JSON
import RPC

/// The properties of a client that affect the response.
struct MCPCaller: Sendable {
  let revision: MCPRevision
  /// Whether the client supports form elicitation.
  let canElicit: Bool
  /// As it names itself; nil if it does not.
  var client: AuditCaller.Client?
  /// The token of progress notifications; nil if they are not requested.
  var progressToken: RequestID?

  /// A client without a handshake, such as a request file.
  static let unknown = MCPCaller(revision: .latestWithHandshake, canElicit: false)
}

/// The members of `params._meta` that the stateless revision requires.
enum MCPMeta {
  static let version = "io.modelcontextprotocol/protocolVersion"
  static let capabilities = "io.modelcontextprotocol/clientCapabilities"
  static let clientInfo = "io.modelcontextprotocol/clientInfo"
  static let serverInfo = "io.modelcontextprotocol/serverInfo"
  static let subscription = "io.modelcontextprotocol/subscriptionId"
}

extension MCPCaller {
  /// Determines the client of a request.
  ///
  /// - Parameter handshake: the result of `initialize`, for requests without their own `_meta`.
  /// - Throws: -32602 for a malformed `_meta`, -32022 for an unsupported revision in a request.
  init(_ params: JSON?, of method: MCPMethod, handshake: MCPCaller?) throws(RPCError) {
    if let params, params.kind != .object {
      throw MCPError.invalid("params must be an object.")
    }
    let meta = params?["_meta"]
    if let meta, meta.kind != .object { throw MCPError.invalid("params._meta must be an object.") }
    if let version = meta?[MCPMeta.version] {
      try self.init(stateless: version, meta)
    } else if method.needsMeta {
      throw MCPError.invalid(
        "\(method.rawValue) requires params._meta with \(MCPMeta.version), such as "
          + "\(MCPRevision.july2026.rawValue), and \(MCPMeta.capabilities).")
    } else {
      self = handshake ?? .unknown
    }
    if let token = meta?["progressToken"] {
      guard let id = RequestID(token), id.isStringOrInteger else {
        throw MCPError.invalid("params._meta.progressToken must be a string or an integer.")
      }
      progressToken = id
    }
  }

  private init(stateless version: JSON, _ meta: JSON?) throws(RPCError) {
    guard let text = version.string else {
      throw MCPError.invalid("params._meta.\(MCPMeta.version) must be a string.")
    }
    guard let revision = MCPRevision(rawValue: text), revision.isStateless else {
      throw MCPError.unsupportedVersion(text)
    }
    guard let capabilities = meta?[MCPMeta.capabilities], capabilities.kind == .object else {
      throw MCPError.invalid("params._meta.\(MCPMeta.capabilities) must be an object.")
    }
    self.init(
      revision: revision, canElicit: Self.canElicit(capabilities),
      client: AuditCaller.Client(meta?[MCPMeta.clientInfo]))
  }

  /// The sender of a request, for the audit file.
  func sender(of id: RequestID?) -> AuditCaller {
    AuditCaller(id: id.map(JSONFragment.init(id:)) ?? .null, client: client)
  }

  /// An empty `elicitation` object means forms.
  static func canElicit(_ capabilities: JSON) -> Bool {
    guard let elicitation = capabilities["elicitation"], elicitation.kind == .object else {
      return false
    }
    return elicitation["form"] != nil || elicitation["url"] == nil
  }
}

extension AuditCaller.Client {
  /// - Parameter info: an `Implementation` of the protocol.
  init?(_ info: JSON?) {
    guard let name = info?["name"]?.string else { return nil }
    self.init(name: name, version: info?["version"]?.string)
  }
}

extension RequestID {
  /// Whether the Model Context Protocol allows it as an id.
  var isStringOrInteger: Bool {
    let bytes = text.utf8
    guard let first = bytes.first else { return false }
    if first == UInt8(ascii: "\"") { return true }
    let digits = first == UInt8(ascii: "-") ? bytes.dropFirst() : bytes[...]
    return !digits.isEmpty && digits.allSatisfy { (0x30...0x39).contains($0) }
  }
}

/// The errors of the protocol.
enum MCPError {
  /// Malformed params.
  static func invalid(_ sentence: String, didYouMean: String? = nil) -> RPCError {
    RPCError(
      .invalidParams, sentence,
      data: didYouMean.map { suggestion in
        JSONFragment { $0.object { $0.member("did_you_mean", suggestion) } }
      })
  }

  /// UnsupportedProtocolVersionError of 2026-07-28.
  static func unsupportedVersion(_ requested: String) -> RPCError {
    RPCError(
      RPCError.Code(rawValue: -32022), "The protocol version is not supported in a request.",
      data: JSONFragment { writer in
        writer.object { writer in
          writer.member("requested", String(requested.prefix(100)))
          writer.name("supported")
          writer.array { writer in
            for revision in MCPRevision.allCases.reversed()
            where revision.isStateless || revision.rawValue != requested {
              writer.string(revision.rawValue)
            }
          }
        }
      })
  }

  /// Resource not found: -32002 up to 2025-11-25, then -32602.
  static func noResource(_ uri: String, for caller: MCPCaller) -> RPCError {
    RPCError(
      caller.revision.isStateless ? .invalidParams : RPCError.Code(rawValue: -32002),
      "Resource not found.",
      data: JSONFragment { $0.object { $0.member("uri", String(uri.prefix(200))) } })
  }
}
