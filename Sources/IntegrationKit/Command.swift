import Basics
import Delivery
import HTTP
import JSON
import RateLimits

/// The metadata of a command, apart from its parameters.
public struct CommandMetadata: Sendable {
  public enum Effect: String, Sendable {
    case read
    /// Changes something.
    case write
    /// Removes something that cannot simply be restored.
    case destructive
  }

  /// As documented, such as "List Device Users". The id on the wire is derived from it.
  public var title: String
  public var description: String
  public var effect: Effect
  /// Whether a repetition has no further effect.
  public var isIdempotent: Bool
  /// Of a write: whether it overwrites nothing and takes nothing away.
  public var isAdditive: Bool
  /// Whether a mistake harms people or systems at once, so that a user should confirm it although it
  /// is not destructive.
  public var isSensitive: Bool
  /// The roles or scopes that the documents name.
  public var permissions: [String]
  /// The path of the items in `raw_data`; nil if it is not a list.
  public var items: ItemsPath?
  /// The vendor's documented limit; a connection may set another one.
  public var rateLimit: RateQuota?
  /// Of a write: the command that shows whether it was applied.
  public var readBack: String?
  /// Of a write: how to find the names of its targets.
  public var targetNaming: (@Sendable () -> TargetNaming)?
  /// Of the error triple, unless it is "<title> failed."
  public var failureIndicator: String?
  /// The errors that its document shows.
  public var errorSamples: @Sendable () -> [ErrorSample]
  /// Of a command that fetches events: their source.
  public var events: (@Sendable () -> EventSource)?
  public var result: @Sendable () -> ResultShape

  public init(
    _ title: String, _ description: String, effect: Effect = .read,
    isIdempotent: Bool? = nil, isAdditive: Bool = false, isSensitive: Bool = false,
    permissions: [String] = [], items: ItemsPath? = nil, rateLimit: RateQuota? = nil,
    readBack: String? = nil,
    targetNaming: (@Sendable () -> TargetNaming)? = nil, failureIndicator: String? = nil,
    errorSamples: @autoclosure @escaping @Sendable () -> [ErrorSample] = [],
    events: (@Sendable () -> EventSource)? = nil,
    result: @escaping @Sendable () -> ResultShape = { .any }
  ) {
    self.title = title
    self.description = description
    self.effect = effect
    self.isIdempotent = isIdempotent ?? (effect == .read)
    self.isAdditive = isAdditive
    self.isSensitive = isSensitive
    self.permissions = permissions
    self.items = items
    self.rateLimit = rateLimit
    self.readBack = readBack
    self.targetNaming = targetNaming
    self.failureIndicator = failureIndicator
    self.errorSamples = errorSamples
    self.events = events
    self.result = result
  }

  /// Whether it may overwrite something or take something away.
  public var replacesOrRemoves: Bool { effect != .read && !isAdditive }

  public var id: String { ParameterName.snakeCase("\(title)") }

  public var failure: String { failureIndicator.map { "\($0)" } ?? "\(title) failed." }
}

/// A documented error of a command: its triple without the failure indicator, which is the command's.
public struct ErrorSample: Sendable {
  public let statusCode: Int
  /// Word for word.
  public let message: String

  public init(_ statusCode: Int, _ message: String) {
    self.statusCode = statusCode
    self.message = message
  }
}

/// The path of a list in a body, as member names; empty for a body that is the list.
public struct ItemsPath: Sendable {
  public let members: [String]
  /// Its path in another version of the vendor's API.
  private let alternative: [String]?
  /// Whether the vendor leaves out an empty list.
  private let isLeftOutIfEmpty: Bool

  public init(
    _ members: String..., or alternative: [String]? = nil, isLeftOutIfEmpty: Bool = false
  ) {
    self.members = members
    self.alternative = alternative
    self.isLeftOutIfEmpty = isLeftOutIfEmpty
  }

  /// - Parameter text: such as `$.items[*]`.
  /// - Returns: nil for another path (RFC 9535).
  package init?(parsing text: String) {
    guard text.hasPrefix("$"), text.hasSuffix("[*]") else { return nil }
    let path = text.dropFirst().dropLast("[*]".count)
    let members = path.split(separator: ".", omittingEmptySubsequences: false).dropFirst()
    let isPlain = members.allSatisfy { member in
      !member.isEmpty && !member.contains { "[]()?@*'\" ".contains($0) }
    }
    guard isPlain, path.isEmpty || path.hasPrefix(".") else { return nil }
    self.members = members.map(String.init)
    alternative = nil
    isLeftOutIfEmpty = false
  }

  /// RFC 9535: `$.items[*]`.
  public var text: String { "$" + members.map { ".\($0)" }.joined() + "[*]" }

  /// The path that leads to a list in this body, or nil.
  func place(in body: JSON) -> [String]? {
    [members, alternative].compactMap(\.self).first { Self.value(at: $0, in: body)?.kind == .array }
  }

  public func list(in body: JSON) -> JSON? {
    place(in: body).flatMap { Self.value(at: $0, in: body) }
  }

  /// Whether the body has neither the list nor says that it is empty.
  func isMissing(in body: JSON) -> Bool {
    guard place(in: body) == nil else { return false }
    let isLeftOut = body.kind == .object && Self.value(at: members, in: body) == nil
    return !(isLeftOutIfEmpty && isLeftOut)
  }

  /// Where the list should be, without the selector of its elements.
  var listText: String { String(text.dropLast("[*]".count)) }

  private static func value(at path: [String], in body: JSON) -> JSON? {
    path.reduce(body as JSON?) { value, name in value?[name] }
  }
}

/// A command of a vendor: a struct whose `init` reads, and so declares, its parameters.
public protocol Command: Sendable {
  associatedtype Client: VendorClient
  static var metadata: CommandMetadata { get }
  /// Whether `all_pages` can go beyond one request.
  static var hasPages: Bool { get }
  /// Whether a success may contain targets that failed. Otherwise one failed target makes the command
  /// fail, and the error lists the outcome per target.
  static var canPartlySucceed: Bool { get }

  init(_ parameters: inout ParamReader)

  /// What a user should know before confirming the command, besides its arguments.
  var confirmationNotes: [ConfirmationNote] { get }

  /// Why the settings of the connection do not allow the command; nil if they do. Checked before
  /// anything is sent, also for a dry run.
  func refusal(by client: Client) -> CommandError?

  /// Adds the requests that it would send, in order, without the sign-in.
  func plan(with client: Client, add: (consuming HTTPRequest) -> Void)
  func run(with client: Client, in invocation: Invocation) async throws(CommandError)
    -> CommandResult
}

extension Command {
  public static var hasPages: Bool { false }
  public static var canPartlySucceed: Bool { false }
  public var confirmationNotes: [ConfirmationNote] { [] }
  public func refusal(by client: Client) -> CommandError? { nil }
}

/// One line of the question whether a command may run, such as "Recipients outside corp.example: …".
public struct ConfirmationNote: Sendable {
  public let title: String
  /// All of them are shown.
  public let values: [String]

  public init(_ title: String, _ values: [String]) {
    self.title = title
    self.values = values
  }
}

/// Completes and sends the requests of one connection.
public protocol VendorClient: AnyObject, Sendable {
  /// The header that `exchange` adds with a credential; nil for none. Shown redacted in a plan.
  static var credentialHeader: StaticString? { get }
  /// Prepares what decides whether a command may start, such as the credential that its rate limit
  /// belongs to. Sends nothing for the command itself.
  func prepare(in invocation: Invocation) async throws(CommandError)
  /// Signs in if needed, sends, and reads the body.
  ///
  /// - Returns: the body as JSON; null if it is empty.
  func exchange(_ request: HTTPRequest, in invocation: Invocation) async throws(CommandError)
    -> JSON
}

extension VendorClient {
  public static var credentialHeader: StaticString? { "Authorization" }

  public func prepare(in invocation: Invocation) async throws(CommandError) {}
}

/// A command of one request, whose response is its result.
public protocol RequestCommand: Command {
  func request(with client: Client) -> HTTPRequest
}

extension RequestCommand {
  public func plan(with client: Client, add: (consuming HTTPRequest) -> Void) {
    add(request(with: client))
  }

  public func run(
    with client: Client, in invocation: Invocation
  ) async throws(CommandError) -> CommandResult {
    let body = try await client.exchange(request(with: client), in: invocation)
    return await invocation.finish(body, items: Self.metadata.items)
  }
}
