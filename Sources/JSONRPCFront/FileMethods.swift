import Basics
import Engine
import FileStore
import IntegrationKit
import JSON
import RPC
import Redaction

/// The methods for files.
enum FileMethod: String, CaseIterable, Sendable {
  case put = "files/put"
  case get = "files/get"
  case list = "files/list"
  case remove = "files/remove"

  var summary: String {
    switch self {
    case .put: "Stores a file from its content, or copies a file below --files-from."
    case .get: "Reads a chunk of a file."
    case .list: "Lists the files, newest last."
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

  /// Maximum and default length of a chunk in bytes. Base64 adds a third.
  static let maximumChunkBytes = 4 * 1_024 * 1_024
  static let defaultChunkBytes = 1_024 * 1_024
  /// Maximum and default number of files in a list.
  static let maximumListFiles = 10_000
  static let defaultListFiles = 1_000

  var changesSomething: Bool { self == .put || self == .remove }

  /// The failure indicator, in the style of the commands.
  var failure: String {
    switch self {
    case .put: "Put File failed."
    case .get: "Get File failed."
    case .list: "List Files failed."
    case .remove: "Remove File failed."
    }
  }
}

/// One call of a file method. It blocks, because it reads and writes files.
struct FileCall: Sendable {
  let method: FileMethod
  let params: JSON?
  let store: FileStore
  let fences: Fences
  let audit: AuditFile?
  let caller: AuditCaller
  let isCancelled: @Sendable () -> Bool

  func response(to request: InFlightRequest) -> Response {
    do throws(RPCError) {
      let writeResult = try run()
      // Names are the caller's, or were redacted when the file was stored. Redacting contents would
      // change the file.
      return request.result(redaction: .ownText, write: writeResult)
    } catch {
      audit?.refused(RefusedRequest(method: method.rawValue), error, by: caller)
      return request.error(error)
    }
  }

  /// Records an action.
  ///
  /// - Throws: if it cannot be recorded, and must be.
  private func record(_ action: AuditedAction) throws(RPCError) {
    do throws(CommandError) {
      try audit?.record(action, by: caller)
    } catch {
      throw failure(error)
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

  /// - Parameter path: the path of the params member that the error refers to.
  private func stored<Value>(
    _ path: String, _ body: () throws(FileStoreError) -> Value
  ) throws(RPCError) -> Value {
    do throws(FileStoreError) {
      return try body()
    } catch {
      switch error.kind {
      case .unknownFile:
        throw InvocationError(
          RequestProblems(path, "unknown file", remedy: "Call files/list to list the files.")
        ).rpcError
      case .tooLarge, .unreadable:
        throw InvocationError(RequestProblems(path, error.reason)).rpcError
      case .beyondEnd:
        throw InvocationError(RequestProblems("/offset", error.reason)).rpcError
      case .forbidden: throw failure(fences.pathRefusal)
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
        "The name of the file. Default with path: the last component of the path.")
      content = members.optional("content_base64", .base64, "The content in Base64.")
      path = members.optional(
        "path", .text(maximumCharacters: 4_096),
        "The path of a file of this machine to copy, below a directory of --files-from.")
      source = members.required("source", .choice(FileSource.self), "The origin of the file.")
      contentType = members.optional(
        "content_type", .text(maximumCharacters: 255),
        "The media type. Default: derived from the extension of the name.")
      members.atLeastOne(of: "content_base64", "path")
    }
  }

  private func put() throws(RPCError) -> ResultWriter {
    var problems = RequestProblems()
    var parameters: PutParameters?
    do throws(ParameterProblems) {
      parameters = try PutParameters.shape.decode(params) { PutParameters(&$0) }
    } catch {
      problems.add(error, prefix: "")
    }
    addProblemsBetweenMembers(to: &problems)
    guard problems.isEmpty, let parameters else { throw InvocationError(problems).rpcError }
    let file: StoredFile
    if let path = parameters.path {
      file = try stored("/path") { () throws(FileStoreError) in
        try store.put(
          contentsOf: path, below: fences.readableDirectories, name: parameters.name,
          contentType: parameters.contentType, source: parameters.source,
          isCancelled: isCancelled)
      }
    } else {
      file = try stored("/content_base64") { () throws(FileStoreError) in
        try store.put(
          name: parameters.name ?? "", content: parameters.content ?? [],
          contentType: parameters.contentType, source: parameters.source)
      }
    }
    do throws(RPCError) {
      try record(.filePut(file))
    } catch {
      // Not stored without a record.
      _ = try? store.remove(file.id)
      throw error
    }
    return { [file] in file.write(to: &$0, withPath: false) }
  }

  /// Rules that a declaration cannot express.
  private func addProblemsBetweenMembers(to problems: inout RequestProblems) {
    func given(_ name: String) -> JSON? { params?[name].flatMap { $0.isNull ? nil : $0 } }
    if given("content_base64") != nil {
      if given("path") != nil { problems.add("/path", "is allowed only without content_base64") }
      if given("name") == nil { problems.add("/name", "is required with content_base64") }
    }
    if let text = given("path")?.string, text.utf8.contains(0) {
      problems.add("/path", "must not contain a NUL character")
    }
    if let text = given("content_type")?.string, !text.isEmpty, !ContentType.isValid(text) {
      problems.add("/content_type", "must be a media type, such as application/pdf")
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
        "offset", .integer(from: 0, to: .max), "The number of bytes to skip.", default: 0)
      length = members.optional(
        "length", .integer(from: 1, to: Int64(FileMethod.maximumChunkBytes)),
        "The maximum length of the chunk in bytes.",
        default: Int64(FileMethod.defaultChunkBytes))
    }
  }

  private func get() throws(RPCError) -> ResultWriter {
    let parameters = try GetParameters.shape.params(params, as: GetParameters.self)
    let piece = try stored("/file_id") { () throws(FileStoreError) in
      try store.read(
        parameters.id, offset: Int(parameters.offset), length: Int(parameters.length))
    }
    try record(.fileRead(piece.file, offset: piece.offset, length: piece.bytes.count))
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
        "The maximum number of files.", default: Int64(FileMethod.defaultListFiles))
      cursor = members.optional(
        "cursor", .text(maximumCharacters: 64), "The next_cursor of the previous list.")
    }
  }

  private func list() throws(RPCError) -> ResultWriter {
    let parameters = try ListParameters.shape.params(params, as: ListParameters.self)
    let position = parameters.cursor.flatMap(FilePosition.init)
    guard parameters.cursor == nil || position != nil else {
      throw InvocationError(
        RequestProblems("/cursor", "must be the next_cursor of a list")
      ).rpcError
    }
    let limit = Int(parameters.limit)
    let files = try stored("") { () throws(FileStoreError) in
      // One extra file shows whether there are more.
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
      try store.find(parameters.id) != nil
    }
    if removed {
      try record(.fileRemoved(id: parameters.id))
      _ = try stored("/file_id") { () throws(FileStoreError) in try store.remove(parameters.id) }
    }
    return { $0.object { $0.member("removed", removed) } }
  }
}
