import Basics
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

/// One call of such a method. It reads and writes files, so it is not for the reading thread.
struct FileCall: Sendable {
  let method: FileMethod
  let params: JSON?
  let store: FileStore
  let isCancelled: @Sendable () -> Bool

  /// The answer, which is one whole frame, and what it is.
  func frame(_ id: RequestID, redactedBy secrets: Redactor) -> ([UInt8], AnswerKind) {
    var writer = JSONWriter(capacity: 1_024)
    do throws(RPCError) {
      writer.openObject()
      writer.literal(#""jsonrpc":"2.0""#)
      writer.name("id")
      id.write(to: &writer)
      writer.name("result")
      try answer(into: &writer)
      writer.closeObject()
      // A content is handed out as it is: redacted, it would be another file.
      return (method == .get ? writer.bytes : secrets.redact(frame: writer.bytes), .success)
    } catch {
      writer.removeAll()
      Frame.error(id, error, into: &writer)
      return (secrets.redact(frame: writer.bytes), .error)
    }
  }

  /// Writes the result.
  ///
  /// - Throws: the error to answer; what was written before is to be dropped.
  private func answer(into writer: inout JSONWriter) throws(RPCError) {
    if isCancelled() { throw failure(.cancelled(outcome: .notApplied)) }
    switch method {
    case .put: try put(into: &writer)
    case .get: try get(into: &writer)
    case .list: try list(into: &writer)
    case .remove: try remove(into: &writer)
    }
  }

  static func shape(of method: FileMethod) -> ParameterShape {
    switch method {
    case .put: PutParameters.shape
    case .get: GetParameters.shape
    case .list: ListParameters.shape
    case .remove: RemoveParameters.shape
    }
  }

  private func failure(_ error: CommandError) -> RPCError {
    Failure.command(error, indicator: method.failure)
  }

  private func read<Parameters: ParameterObject>(
    _ type: Parameters.Type, _ shape: ParameterShape
  ) throws(RPCError) -> Parameters {
    do throws(ParameterProblems) {
      return try shape.decode(params) { Parameters(&$0) }
    } catch {
      throw ParameterFaults(error, prefix: "").error()
    }
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
        throw ParameterFaults(
          path, error.reason, remedy: "files/list shows the files that there are."
        ).error()
      case .tooLarge, .unreadable:
        throw ParameterFaults(path, error.reason).error()
      case .beyondEnd:
        throw ParameterFaults("/offset", error.reason).error()
      case .cancelled, .unavailable: throw failure(CommandError(error, of: "The file"))
      }
    }
  }

  // MARK: files/put

  private struct PutParameters: ParameterObject {
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

  private func put(into writer: inout JSONWriter) throws(RPCError) {
    var faults = ParameterFaults()
    var parameters: PutParameters?
    do throws(ParameterProblems) {
      parameters = try PutParameters.shape.decode(params) { PutParameters(&$0) }
    } catch {
      faults.add(error, prefix: "")
    }
    addFaultsBetweenMembers(to: &faults)
    guard faults.isEmpty, let parameters else { throw faults.error() }
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
    file.write(to: &writer, withPath: false)
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

  private struct GetParameters: ParameterObject {
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

  private func get(into writer: inout JSONWriter) throws(RPCError) {
    let parameters = try read(GetParameters.self, GetParameters.shape)
    let piece = try stored("/file_id") { () throws(FileStoreError) in
      try store.read(
        parameters.id, offset: Int(parameters.offset), length: Int(parameters.length))
    }
    writer.object { writer in
      writer.member("file_id", piece.file.id)
      writer.member("offset", piece.offset)
      writer.member("length", piece.bytes.count)
      writer.member("size", piece.file.size)
      writer.member("content_base64", Base64.encode(piece.bytes))
      writer.member("eof", piece.isLast)
    }
  }

  // MARK: files/list

  private struct ListParameters: ParameterObject {
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

  private func list(into writer: inout JSONWriter) throws(RPCError) {
    let parameters = try read(ListParameters.self, ListParameters.shape)
    let position = parameters.cursor.flatMap(FilePosition.init)
    guard parameters.cursor == nil || position != nil else {
      throw ParameterFaults("/cursor", "must be the next_cursor of a list")
        .error()
    }
    let limit = Int(parameters.limit)
    let files = try stored("") { () throws(FileStoreError) in
      // One more than is shown tells whether there are more.
      try store.list(after: position, limit: limit + 1)
    }
    writer.object { writer in
      writer.name("files")
      writer.array { writer in
        for file in files.prefix(limit) { file.write(to: &writer, withPath: false) }
      }
      if files.count > limit { writer.member("next_cursor", files[limit - 1].position.text) }
    }
  }

  // MARK: files/remove

  private struct RemoveParameters: ParameterObject {
    static let naming = ParameterShape.Naming.verbatim
    static let shape = ParameterShape(of: RemoveParameters.self)
    let id: String

    init(_ members: inout ParamReader) {
      id = members.required("file_id", .text(maximumCharacters: 64), "The file.")
    }
  }

  private func remove(into writer: inout JSONWriter) throws(RPCError) {
    let parameters = try read(RemoveParameters.self, RemoveParameters.shape)
    let removed = try stored("/file_id") { () throws(FileStoreError) in
      try store.remove(parameters.id)
    }
    writer.object { $0.member("removed", removed) }
  }
}
