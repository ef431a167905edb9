import Basics
import Engine
import FileStore
import IntegrationKit
import JSON
import RPC
import Redaction

/// Stored files as resources: `sallyport://files/ID`.
enum FileResource {
  private static let prefix = "sallyport://files/"

  static func uri(_ id: String) -> String { prefix + id }

  /// The id of the file of a URI; nil for other URIs.
  static func id(_ uri: String) -> String? {
    uri.hasPrefix(prefix) ? String(uri.dropFirst(prefix.count)) : nil
  }

  /// Writes a link to a file.
  static func writeLink(
    _ id: String, name: String, type: String?, size: Int?, to writer: inout JSONWriter
  ) {
    writer.object { writer in
      writer.member("type", "resource_link")
      writer.member("uri", uri(id))
      writer.member("name", name)
      writer.member(ifPresent: "mimeType", type)
      if let size { writer.member("size", size) }
    }
  }
}

/// A call of `resources/list` or `resources/read`. It blocks, because it reads files.
struct ResourceCall: Sendable {
  /// Maximum size of a resource in bytes. `files/get` reads larger files in chunks.
  static let maximumContentBytes = 8 * 1_024 * 1_024
  static let filesPerPage = 500

  let method: MCPMethod
  let params: JSON?
  let caller: MCPCaller
  let store: FileStore
  let audit: AuditFile?
  let sender: AuditCaller

  func response(to request: InFlightRequest) -> Response {
    do throws(RPCError) {
      if method == .readResource {
        let result = try read()
        // File contents are not redacted, because that would change the file.
        return request.result(redaction: .ownText) { $0.value(result) }
      }
      let result = try list()
      return request.result(redaction: .ownText) { $0.value(result) }
    } catch {
      if method == .readResource {
        audit?.refused(RefusedRequest(method: method.rawValue), error, by: sender)
      }
      return request.error(error)
    }
  }

  private func stored<Value>(
    _ uri: String, _ body: () throws(FileStoreError) -> Value
  ) throws(RPCError) -> Value {
    do throws(FileStoreError) {
      return try body()
    } catch {
      guard error.kind != .unknownFile else { throw MCPError.noResource(uri, for: caller) }
      throw RPCError(
        .commandFailed, error.kind == .unavailable ? error.reason : "The file \(error.reason).")
    }
  }

  // MARK: resources/list

  private func list() throws(RPCError) -> JSONFragment {
    let cursor = try MCPCursor.read(params)
    let position = cursor.flatMap(FilePosition.init)
    guard cursor == nil || position != nil else { throw MCPCursor.error }
    let files = try stored("") { () throws(FileStoreError) in
      try store.list(after: position, limit: Self.filesPerPage + 1)
    }
    return JSONFragment { writer in
      writer.result(for: caller, caching: MCPCaching.none) { writer in
        writer.name("resources")
        writer.array { for file in files.prefix(Self.filesPerPage) { write(file, to: &$0) } }
        if files.count > Self.filesPerPage {
          writer.member("nextCursor", files[Self.filesPerPage - 1].position.text)
        }
      }
    }
  }

  private func write(_ file: StoredFile, to writer: inout JSONWriter) {
    writer.object {
      $0.member("uri", FileResource.uri(file.id))
      $0.member("name", file.name)
      $0.member("mimeType", file.contentType)
      if caller.revision >= .march2025 { $0.member("size", file.size) }
    }
  }

  // MARK: resources/read

  private func read() throws(RPCError) -> JSONFragment {
    guard let uri = params?["uri"]?.string else {
      throw MCPError.invalid("params.uri must be the URI of a resource.")
    }
    guard let id = FileResource.id(uri) else { throw MCPError.noResource(uri, for: caller) }
    let piece = try stored(uri) { () throws(FileStoreError) in
      try store.read(id, length: Self.maximumContentBytes)
    }
    guard piece.isLast else {
      throw RPCError(
        .commandFailed,
        "The file has \(piece.file.size) bytes; the limit of a resource is "
          + "\(Self.maximumContentBytes). Read it at the path in its file reference.")
    }
    do throws(CommandError) {
      try audit?.record(
        .fileRead(piece.file, offset: piece.offset, length: piece.bytes.count), by: sender)
    } catch {
      throw InvocationError(error, indicator: method.failure).rpcError
    }
    return JSONFragment { writer in
      writer.result(for: caller, caching: .file) { writer in
        writer.name("contents")
        writer.array { writer in
          writer.object { writer in
            writer.member("uri", uri)
            writer.member("mimeType", piece.file.contentType)
            if let text = Self.text(piece) {
              writer.member("text", text)
            } else {
              writer.member("blob", Base64.encode(piece.bytes))
            }
          }
        }
      }
    }
  }

  /// The text of a text file; nil for other files and for invalid UTF-8.
  private static func text(_ piece: FileStore.Chunk) -> String? {
    let type = piece.file.contentType
    guard type.hasPrefix("text/") || type.hasSuffix("json") || type == "message/rfc822" else {
      return nil
    }
    return String(validating: piece.bytes, as: UTF8.self)
  }
}

/// The member `cursor` of a paged list.
enum MCPCursor {
  static let error = MCPError.invalid("params.cursor must be the nextCursor of a list.")

  static func read(_ params: JSON?) throws(RPCError) -> String? {
    guard let cursor = params?["cursor"], !cursor.isNull else { return nil }
    guard let text = cursor.string else { throw error }
    return text
  }
}

extension FileResource {
  /// Writes the result of `resources/templates/list`.
  static func writeTemplates(for caller: MCPCaller, to writer: inout JSONWriter) {
    writer.result(for: caller, caching: .build) { writer in
      writer.name("resourceTemplates")
      writer.array { writer in
        writer.object { writer in
          writer.member("uriTemplate", prefix + "{file_id}")
          writer.member("name", "file")
          if caller.revision.hasStructuredContent { writer.member("title", "File") }
          writer.member("description", "An input or output file of a command, by file_id.")
        }
      }
    }
  }
}
