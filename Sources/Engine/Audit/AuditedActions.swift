import Basics
import FileStore
import IntegrationKit
import JSON
import RPC

/// A request that was rejected, as far as it is known.
package struct RefusedRequest {
  private let method: String?
  package let command: RegisteredCommand?
  let integration: String?
  private let commandID: String?
  let connection: String?
  let isInline: Bool
  let label: String?
  private let arguments: JSON?

  /// Maximum length of a name that is no id of the catalogue.
  private static let maximumNameCharacters = 128

  /// A command that does not run.
  ///
  /// - Parameters:
  ///   - integration: its id, as the caller gave it.
  ///   - commandID: the same.
  ///   - command: nil if it is unknown. Its arguments are left out, because they may be credentials.
  ///   - connection: its name, if the caller gave one.
  ///   - isInline: whether the caller brings the connection.
  package init(
    integration: String?, commandID: String?, _ command: RegisteredCommand?,
    connection: String?, isInline: Bool = false, label: String?, arguments: JSON?
  ) {
    method = nil
    self.isInline = isInline
    self.command = command
    self.integration = integration?.cut(scalars: Self.maximumNameCharacters)
    self.commandID = commandID?.cut(scalars: Self.maximumNameCharacters)
    self.connection = connection?.cut(scalars: Self.maximumNameCharacters)
    self.label = label?.cut(scalars: Self.maximumNameCharacters)
    self.arguments = command == nil ? nil : arguments
  }

  package init(_ request: borrowing InvocationRequest) {
    self.init(
      integration: request.integration.id, commandID: request.command.id, request.command,
      connection: request.connection.name, isInline: request.connection.isInline,
      label: request.options.label,
      arguments: request.arguments)
  }

  /// A method that does not run.
  package init(method: String) {
    self.method = method
    (command, integration, commandID) = (nil, nil, nil)
    (connection, label, arguments) = (nil, nil, nil)
    isInline = false
  }

  fileprivate func write(to writer: inout JSONWriter, _ mode: AuditOptions.Arguments) {
    writer.member(ifPresent: "method", method)
    writer.member(ifPresent: "label", label)
    writer.member(ifPresent: "integration", integration)
    writer.member(ifPresent: "command", commandID)
    guard let command else { return }
    writer.member("effect", command.effect.rawValue)
    writer.member(ifPresent: "connection", connection)
    AuditArguments(value: arguments, shape: command.shape, mode: mode).write(to: &writer)
  }
}

extension ConnectionReference {
  /// Nil for an inline connection, and for the only one.
  fileprivate var name: String? {
    switch self {
    case .onlyOne: nil
    case .named(let name): name
    case .json(let json): json.string
    }
  }
}

/// A change of connections or files, or a read of a file.
package enum AuditedAction: Sendable {
  case connectionPut(name: String, integration: String?)
  case connectionRemoved(name: String)
  case filePut(StoredFile)
  case fileRead(StoredFile, offset: Int, length: Int)
  case fileRemoved(id: String)

  fileprivate var event: AuditEvent {
    switch self {
    case .connectionPut: .connectionPut
    case .connectionRemoved: .connectionRemoved
    case .filePut: .filePut
    case .fileRead: .fileRead
    case .fileRemoved: .fileRemoved
    }
  }

  fileprivate func write(to writer: inout JSONWriter) {
    switch self {
    case .connectionPut(let name, let integration):
      writer.member("connection", name)
      writer.member(ifPresent: "integration", integration)
    case .connectionRemoved(let name): writer.member("connection", name)
    case .filePut(let file): write(file, to: &writer)
    case .fileRead(let file, let offset, let length):
      write(file, to: &writer)
      writer.member("offset", offset)
      writer.member("length", length)
    case .fileRemoved(let id):
      writer.name("file")
      writer.object { $0.member("file_id", id) }
    }
  }

  private func write(_ file: StoredFile, to writer: inout JSONWriter) {
    writer.name("file")
    writer.object {
      $0.member("file_id", file.id)
      $0.member("name", file.name)
      $0.member("size", file.size)
    }
  }
}

extension AuditFile {
  /// Whether actions that cannot be recorded are refused.
  package var isRequired: Bool { options.isRequired }

  /// Records that a request was rejected.
  package func refused(
    _ request: RefusedRequest, _ error: InvocationError, by caller: AuditCaller
  ) {
    add(
      record(.refused, of: caller) { writer in
        writer.member(ifPresent: "trace_id", error.meta?.traceID)
        request.write(to: &writer, options.arguments)
        switch error.reason {
        case .failed(let error):
          writer.member("kind", error.kind.rawValue)
          writer.member("status_code", error.statusCode)
          writer.member("message", error.message)
        case .invalid(let problems):
          writer.member("kind", CommandError.Kind.validation.rawValue)
          writer.member("status_code", RequestProblems.statusCode)
          writer.member("message", problems.message)
        }
      })
  }

  /// The same for an error that is ready to be sent.
  package func refused(_ request: RefusedRequest, _ error: RPCError, by caller: AuditCaller) {
    let data = error.data?.json
    add(
      record(.refused, of: caller) { writer in
        request.write(to: &writer, options.arguments)
        writer.member("kind", data?["kind"]?.string ?? CommandError.Kind.validation.rawValue)
        writer.member(
          "status_code", data?["status_code"]?.integer.map { Int($0) } ?? RequestProblems.statusCode
        )
        writer.member("message", data?["message"]?.string ?? error.message)
      })
  }

  /// Records an action: before it, if the file is required and the action cannot be undone;
  /// otherwise after it. Blocks if the file is required.
  ///
  /// - Throws: if the file is required and cannot be written.
  package func record(_ action: AuditedAction, by caller: AuditCaller) throws(CommandError) {
    let record = record(action.event, of: caller) { action.write(to: &$0) }
    guard isRequired else { return add(record) }
    try requireBlocking(record)
  }

  /// Records that the status of a connection changed.
  func healthChanged(
    _ connection: String, to status: String, failures: Int,
    _ failure: (kind: CommandError.Kind, message: String)?
  ) {
    add(
      record(.healthChanged, of: AuditCaller()) { writer in
        writer.member("connection", connection)
        writer.member("status", status)
        writer.member("consecutive_failures", failures)
        if let failure {
          writer.member("kind", failure.kind.rawValue)
          writer.member("message", failure.message)
        }
      })
  }
}
