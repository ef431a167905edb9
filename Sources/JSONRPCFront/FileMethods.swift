import Basics
import Engine
import FileStore
import IntegrationKit
import JSON
import RPC
import Redaction

/// The methods on files.
enum FileMethod: String, CaseIterable, Sendable {
  case put = "files/put"
  case get = "files/get"
  case list = "files/list"
  case remove = "files/remove"

  var summary: String {
    switch self {
    case .put: "Stores a content, or a copy of a file of the host's machine."
    case .get: "Reads a chunk of a file."
    case .list: "Lists the files, the newest last."
    case .remove: "Removes a file."
    }
  }

  var shape: ParameterShape {
    switch self {
    case .put: FileCall.PutParameters.shape
    case .get: FileCall.GetParameters.shape
    case .list: FileCall.ListParameters.shape
    case .remove: FileCall.RemoveParameters.shape
    }
  }

  /// Bytes of one chunk at most, and when nothing is said. Base64 makes a third more of them.
  static let maximumChunkBytes = 4 * 1_024 * 1_024
  static let defaultChunkBytes = 1_024 * 1_024
  /// Files in one list at most, and when nothing is said.
  static let maximumListFiles = 10_000
  static let defaultListFiles = 1_000

  /// Why it was not done, in the indicator style of the commands.
  var failure: String {
    switch self {
    case .put: "Put File failed."
    case .get: "Get File failed."
    case .list: "List Files failed."
    case .remove: "Remove File failed."
    }
  }
}

/// One call of such a method. It reads and writes files, so it blocks.
struct FileCall: Sendable {
  let method: FileMethod
  let params: JSON?
  let store: FileStore
  let isCancelled: @Sendable () -> Bool

  func response(to request: InFlightRequest) -> Response {
    do throws(RPCError) {
      let writeResult = try run()
      // A content is handed out as it is: redacted, it would be another file.
      return request.result(
        redaction: method == .get ? .nothing : .everySecret, write: writeResult)
    } catch {
      return request.error(error)
    }
  }

  private func run() throws(RPCError) -> ResultWriter {
    if isCancelled() { throw failure(.cancelled(outcome: .notApplied)) }
    switch method {
    case .put: return try put()
    case .get: return try get()
    case .list: return try list()
    case .remove: return try remove()
    }
  }

  private func failure(_ error: CommandError) -> RPCError {
    InvocationError(error, indicator: method.failure).rpcError
  }

  /// - Parameter path: which of the params is to blame where one is.
  private func stored<Value>(
    _ path: String, _ body: () throws(FileStoreError) -> Value
  ) throws(RPCError) -> Value {
    do throws(FileStoreError) {
      return try body()
    } catch {
      switch error.kind {
      case .unknownFile:
        throw InvocationError(
          ParameterFaults(
            path, error.reason, remedy: "files/list shows the files that there are.")
        ).rpcError
      case .tooLarge, .unreadable:
        throw InvocationError(ParameterFaults(path, error.reason)).rpcError
      case .beyondEnd:
        throw InvocationError(ParameterFaults("/offset", error.reason)).rpcError
      case .cancelled, .unavailable: throw failure(CommandError(error, of: "The file"))
      }
    }
  }

  // MARK: files/put

  struct PutParameters: ParameterObject {
    static let naming = ParameterShape.Naming.verbatim
    static let shape = ParameterShape(of: PutParameters.self)
    let name: String?
    let content: [UInt8]?
    let path: String?
    let source: FileSource
    let contentType: String?

    init(_ members: inout ParamReader) {
      name = members.optional(
        "name", .text(maximumCharacters: 1_024),
        "The name of the file; with path, the last part of the path when left out.")
      content = members.optional("content_base64", .base64, "The content.")
      path = members.optional(
        "path", .text(maximumCharacters: 4_096), "A file of this machine to copy.")
      source = members.required("source", .choice(FileSource.self), "Where the file comes from.")
      contentType = members.optional(
        "content_type", .text(maximumCharacters: 255),
        "The media type; by the extension of the name when left out.")
      members.atLeastOne(of: "content_base64", "path")
    }
  }

  private func put() throws(RPCError) -> ResultWriter {
    var faults = ParameterFaults()
    var parameters: PutParameters?
    do throws(ParameterProblems) {
      parameters = try PutParameters.shape.decode(params) { PutParameters(&$0) }
    } catch {
      faults.add(error, prefix: "")
    }
    addFaultsBetweenMembers(to: &faults)
    guard faults.isEmpty, let parameters else { throw InvocationError(faults).rpcError }
    let file: StoredFile
    if let path = parameters.path {
      file = try stored("/path") { () throws(FileStoreError) in
        try store.put(
          contentsOf: path, name: parameters.name, contentType: parameters.contentType,
          source: parameters.source, isCancelled: isCancelled)
      }
    } else {
      file = try stored("/content_base64") { () throws(FileStoreError) in
        try store.put(
          name: parameters.name ?? "", content: parameters.content ?? [],
          contentType: parameters.contentType, source: parameters.source)
      }
    }
    return { [file] in file.write(to: &$0, withPath: false) }
  }

  /// What no rule of a declaration says.
  private func addFaultsBetweenMembers(to faults: inout ParameterFaults) {
    func given(_ name: String) -> JSON? { params?[name].flatMap { $0.isNull ? nil : $0 } }
    if given("content_base64") != nil {
      if given("path") != nil { faults.add("/path", "is allowed only without content_base64") }
      if given("name") == nil { faults.add("/name", "is required with content_base64") }
    }
    if let text = given("path")?.string, text.utf8.contains(0) {
      faults.add("/path", "holds a NUL character")
    }
    if let text = given("content_type")?.string, !text.isEmpty, !ContentType.isValid(text) {
      faults.add("/content_type", "must be a media type, such as application/pdf")
    }
  }

  // MARK: files/get

  struct GetParameters: ParameterObject {
    static let naming = ParameterShape.Naming.verbatim
    static let shape = ParameterShape(of: GetParameters.self)
    let id: String
    let offset: Int64
    let length: Int64

    init(_ members: inout ParamReader) {
      id = members.required("file_id", .text(maximumCharacters: 64), "The file.")
      offset = members.optional(
        "offset", .integer(from: 0, to: .max), "Bytes to pass over.", default: 0)
      length = members.optional(
        "length", .integer(from: 1, to: Int64(FileMethod.maximumChunkBytes)),
        "Bytes of the chunk at most.", default: Int64(FileMethod.defaultChunkBytes))
    }
  }

  private func get() throws(RPCError) -> ResultWriter {
    let parameters = try GetParameters.shape.params(params, as: GetParameters.self)
    let piece = try stored("/file_id") { () throws(FileStoreError) in
      try store.read(
        parameters.id, offset: Int(parameters.offset), length: Int(parameters.length))
    }
    return { writer in
      writer.openObject()
      writer.member("file_id", piece.file.id)
      writer.member("offset", piece.offset)
      writer.member("length", piece.bytes.count)
      writer.member("size", piece.file.size)
      writer.member("content_base64", Base64.encode(piece.bytes))
      writer.member("eof", piece.isLast)
      writer.closeObject()
    }
  }

  // MARK: files/list

  struct ListParameters: ParameterObject {
    static let naming = ParameterShape.Naming.verbatim
    static let shape = ParameterShape(of: ListParameters.self)
    let limit: Int64
    let cursor: String?

    init(_ members: inout ParamReader) {
      limit = members.optional(
        "limit", .integer(from: 1, to: Int64(FileMethod.maximumListFiles)),
        "Files at most.", default: Int64(FileMethod.defaultListFiles))
      cursor = members.optional(
        "cursor", .text(maximumCharacters: 64), "The next_cursor of the list to go on with.")
    }
  }

  private func list() throws(RPCError) -> ResultWriter {
    let parameters = try ListParameters.shape.params(params, as: ListParameters.self)
    let position = parameters.cursor.flatMap(FilePosition.init)
    guard parameters.cursor == nil || position != nil else {
      throw InvocationError(
        ParameterFaults("/cursor", "must be the next_cursor of a list")
      ).rpcError
    }
    let limit = Int(parameters.limit)
    let files = try stored("") { () throws(FileStoreError) in
      // One more than is shown tells whether there are more.
      try store.list(after: position, limit: limit + 1)
    }
    return { writer in
      writer.openObject()
      writer.name("files")
      writer.array { writer in
        for file in files.prefix(limit) { file.write(to: &writer, withPath: false) }
      }
      if files.count > limit { writer.member("next_cursor", files[limit - 1].position.text) }
      writer.closeObject()
    }
  }

  // MARK: files/remove

  struct RemoveParameters: ParameterObject {
    static let naming = ParameterShape.Naming.verbatim
    static let shape = ParameterShape(of: RemoveParameters.self)
    let id: String

    init(_ members: inout ParamReader) {
      id = members.required("file_id", .text(maximumCharacters: 64), "The file.")
    }
  }

  private func remove() throws(RPCError) -> ResultWriter {
    let parameters = try RemoveParameters.shape.params(params, as: RemoveParameters.self)
    let removed = try stored("/file_id") { () throws(FileStoreError) in
      try store.remove(parameters.id)
    }
    return { $0.object { $0.member("removed", removed) } }
  }
}
