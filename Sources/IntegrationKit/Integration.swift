import Basics
import Delivery
import HTTP
import JSON

/// What an integration is, for people.
public struct IntegrationMetadata: Sendable {
  public var id: String
  public var title: String
  public var description: String
  public var category: String

  public init(
    id: String, title: String, description: String, category: String
  ) {
    self.id = id
    self.title = title
    self.description = description
    self.category = category
  }
}

/// One vendor: its settings and its commands.
public protocol Integration: Sendable {
  associatedtype Settings: ParameterObject
  associatedtype Client: VendorClient
  static var metadata: IntegrationMetadata { get }
  /// In the order in which people see them.
  static var commands: [CommandEntry<Client>] { get }
  /// Makes the client of one connection; nothing is sent.
  static func client(_ settings: Settings, on connection: Connection) -> Client
}

/// A command in an integration's table: `CommandEntry(ListDevices.self)`.
///
/// Without the constraint on `Client`: Swift's runtime would check it at every start, which takes long.
public struct CommandEntry<Client>: Sendable {
  let registered: RegisteredCommand

  public init<C: Command>(_ type: C.Type) where C.Client == Client {
    registered = RegisteredCommand(type)
  }
}

/// A command of any vendor.
public final class RegisteredCommand: Sendable {
  public let metadata: CommandMetadata
  public let id: String
  public let effect: CommandMetadata.Effect
  /// The failure indicator of its errors.
  public let failure: String
  public let hasPages: Bool
  /// Whether an answer that is a success may hold targets that failed.
  public let canPartlySucceed: Bool
  /// Whether a dry run has its result at once, from `writePlan`. Otherwise `plan` finds it.
  package let hasReadyPlan: Bool
  private let lazyShape: LazyValue<ParameterShape>
  private let checkArguments: @Sendable (ParameterShape, JSON?) throws(ParameterProblems) -> Void
  private let decodeArguments:
    @Sendable (ParameterShape, JSON?, OpenConnection) throws(ParameterProblems) -> any ReadyCommand

  init<C: Command>(_ type: C.Type) {
    metadata = C.metadata
    id = C.metadata.id
    effect = C.metadata.effect
    failure = C.metadata.failure
    hasPages = C.hasPages
    canPartlySucceed = C.canPartlySucceed
    hasReadyPlan = true
    lazyShape = LazyValue { ParameterShape { _ = C(&$0) } }
    checkArguments = { (shape, arguments) throws(ParameterProblems) in
      _ = try shape.decode(arguments) { C(&$0) }
    }
    decodeArguments = { (shape, arguments, connection) throws(ParameterProblems) in
      guard let client = connection.client as? C.Client else {
        preconditionFailure("a command of another integration")
      }
      return BoundCommand(command: try shape.decode(arguments) { C(&$0) }, client: client)
    }
  }

  /// A command that is not declared in code, such as one of a plugin.
  ///
  /// - Parameters:
  ///   - check: throws all faults of arguments at once.
  ///   - ready: makes arguments that passed `check` ready to run.
  package init(
    id: String, _ metadata: CommandMetadata, hasPages: Bool, canPartlySucceed: Bool,
    shape: ParameterShape,
    check: @escaping @Sendable (JSON?) throws(ParameterProblems) -> Void,
    ready: @escaping @Sendable (JSON?, OpenConnection) -> any ReadyCommand
  ) {
    self.metadata = metadata
    self.id = id
    effect = metadata.effect
    failure = metadata.failure
    self.hasPages = hasPages
    self.canPartlySucceed = canPartlySucceed
    hasReadyPlan = false
    lazyShape = LazyValue { shape }
    checkArguments = { (_, arguments) throws(ParameterProblems) in try check(arguments) }
    decodeArguments = { (_, arguments, connection) throws(ParameterProblems) in
      try check(arguments)
      return ready(arguments, connection)
    }
  }

  public var shape: ParameterShape { lazyShape.value }

  /// Checks arguments without a connection.
  ///
  /// - Throws: all their faults at once.
  public func check(_ arguments: JSON?) throws(ParameterProblems) {
    try checkArguments(shape, arguments)
  }

  /// Checks arguments and makes them ready to run.
  ///
  /// - Throws: all their faults at once.
  public func ready(
    _ arguments: JSON?, on connection: OpenConnection
  ) throws(ParameterProblems) -> any ReadyCommand {
    try decodeArguments(shape, arguments, connection)
  }
}

/// A command with arguments that were checked, on a connection.
public protocol ReadyCommand: Sendable {
  var confirmationNotes: [ConfirmationNote] { get }
  /// Why the settings of the connection do not allow the command; nil if they do.
  var refusal: CommandError? { get }
  /// Writes the requests that it would send, with redacted credentials, as elements of an array.
  func writePlan(to writer: inout JSONWriter)
  /// The requests that it would send, an array, for a command that is not part of this process.
  func plan(in invocation: Invocation) async throws(CommandError) -> JSONFragment
  func run(in invocation: Invocation) async throws(CommandError) -> CommandResult
}

extension ReadyCommand {
  public var confirmationNotes: [ConfirmationNote] { [] }
  public var refusal: CommandError? { nil }
  public func writePlan(to writer: inout JSONWriter) {}

  public func plan(in invocation: Invocation) async throws(CommandError) -> JSONFragment {
    JSONFragment { writer in writer.array { writePlan(to: &$0) } }
  }
}

private struct BoundCommand<C: Command>: ReadyCommand {
  let command: C
  let client: C.Client

  var confirmationNotes: [ConfirmationNote] { command.confirmationNotes }
  var refusal: CommandError? { command.refusal(by: client) }

  func writePlan(to writer: inout JSONWriter) {
    command.plan(with: client) {
      $0.write(to: &writer, credentialHeader: C.Client.credentialHeader)
    }
  }

  func run(in invocation: Invocation) async throws(CommandError) -> CommandResult {
    try await command.run(with: client, in: invocation)
  }
}

/// An integration without its types.
public final class RegisteredIntegration: Sendable {
  public let metadata: IntegrationMetadata
  public let id: String
  public let commands: [RegisteredCommand]
  private let commandNames: JSONNames
  private let lazySettingsShape: LazyValue<ParameterShape>
  private let makeClient:
    @Sendable (ParameterShape, JSON, Connection) throws(ParameterProblems) -> any VendorClient

  public init<I: Integration>(_ type: I.Type) {
    metadata = I.metadata
    id = "\(I.metadata.id)"
    // A closure, because a generic key path is made at run time, which takes long.
    commands = I.commands.map { $0.registered }
    commandNames = JSONNames(commands.map(\.id))
    lazySettingsShape = LazyValue { ParameterShape(of: I.Settings.self) }
    makeClient = { (shape, settings, connection) throws(ParameterProblems) in
      I.client(try shape.decode(settings) { I.Settings(&$0) }, on: connection)
    }
  }

  /// An integration that is not declared in code, such as a plugin.
  ///
  /// - Parameter makeClient: throws all faults of the settings at once.
  package init(
    _ metadata: IntegrationMetadata, _ commands: [RegisteredCommand], settings: ParameterShape,
    makeClient: @escaping @Sendable (JSON, Connection) throws(ParameterProblems) -> any VendorClient
  ) {
    self.metadata = metadata
    id = metadata.id
    self.commands = commands
    commandNames = JSONNames(commands.map(\.id))
    lazySettingsShape = LazyValue { settings }
    self.makeClient = { (_, settings, connection) throws(ParameterProblems) in
      try makeClient(settings, connection)
    }
  }

  /// The command whose id a string is.
  public func command(_ id: JSON) -> RegisteredCommand? {
    commandNames.position(of: id).map { commands[$0] }
  }

  /// The same for a member of an object.
  public func command(_ member: Int, of object: borrowing JSONSelection) -> RegisteredCommand? {
    object.position(of: member, in: commandNames).map { commands[$0] }
  }

  public var settingsShape: ParameterShape { lazySettingsShape.value }

  /// Checks a connection's settings and makes its client; nothing is sent.
  public func open(_ connection: Connection) throws(ParameterProblems) -> OpenConnection {
    OpenConnection(
      connection: connection,
      client: try makeClient(settingsShape, connection.definition.settings, connection))
  }
}

/// A connection with the client of its integration.
public final class OpenConnection: Sendable {
  public let connection: Connection
  public let client: any VendorClient

  init(connection: Connection, client: any VendorClient) {
    self.connection = connection
    self.client = client
  }

  /// Why the connection's policy forbids a command, or nil.
  public func refusal(of command: RegisteredCommand) -> String? {
    connection.definition.policy?.refusal(of: command.id, effect: command.effect)
  }
}
