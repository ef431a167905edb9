import Basics
import Delivery
import HTTP
import JSON
import RateLimits

/// What a command is, apart from its parameters.
public struct CommandMetadata: Sendable {
  public enum Effect: String, Sendable {
    case read
    /// Changes something.
    case write
    /// Takes away something that cannot simply be put back.
    case destructive
  }

  /// As documented, such as "List Device Users"; the id on the wire is made from it.
  public var title: StaticString
  public var description: StaticString
  public var effect: Effect
  /// Whether doing it twice leaves the vendor as doing it once does.
  public var isIdempotent: Bool
  /// The roles or scopes that the documents name.
  public var permissions: [StaticString]
  /// Where the items of `raw_data` are; nil when it is not a list.
  public var items: ItemsPath?
  /// The vendor's own limit for this command; a connection may name another one.
  public var rateLimit: RateQuota?
  /// Of a write: the command that shows whether it was applied.
  public var readBack: StaticString?
  /// Of a write: how its targets are called by people.
  public var targetNaming: (@Sendable () -> TargetNaming)?
  /// Of the error triple, where it is not "<title> failed."
  public var failureIndicator: StaticString?
  /// Of a command that fetches events: what they are made of.
  public var events: (@Sendable () -> EventSource)?
  public var result: @Sendable () -> ResultShape

  public init(
    _ title: StaticString, _ description: StaticString, effect: Effect = .read,
    isIdempotent: Bool? = nil, permissions: [StaticString] = [], items: ItemsPath? = nil,
    rateLimit: RateQuota? = nil, readBack: StaticString? = nil,
    targetNaming: (@Sendable () -> TargetNaming)? = nil, failureIndicator: StaticString? = nil,
    events: (@Sendable () -> EventSource)? = nil,
    result: @escaping @Sendable () -> ResultShape = { .any }
  ) {
    self.title = title
    self.description = description
    self.effect = effect
    self.isIdempotent = isIdempotent ?? (effect == .read)
    self.permissions = permissions
    self.items = items
    self.rateLimit = rateLimit
    self.readBack = readBack
    self.targetNaming = targetNaming
    self.failureIndicator = failureIndicator
    self.events = events
    self.result = result
  }

  public var id: String { ParameterName.snakeCase("\(title)") }

  public var failure: String { failureIndicator.map { "\($0)" } ?? "\(title) failed." }
}

/// Where a list stands in a body: below these member names; none for a body that is the list.
public struct ItemsPath: Sendable {
  public let members: [String]
  /// Where else it may stand, in another version of the vendor's API.
  private let alternative: [String]?

  public init(_ members: String..., or alternative: [String]? = nil) {
    self.members = members
    self.alternative = alternative
  }

  /// RFC 9535: `$.items[*]`.
  public var text: String { "$" + members.map { ".\($0)" }.joined() + "[*]" }

  /// The names above the list in this body, or nil when there is none where it is expected.
  func place(in body: JSON) -> [String]? {
    [members, alternative].compactMap(\.self).first { Self.value(at: $0, in: body)?.kind == .array }
  }

  public func list(in body: JSON) -> JSON? {
    place(in: body).flatMap { Self.value(at: $0, in: body) }
  }

  private static func value(at path: [String], in body: JSON) -> JSON? {
    path.reduce(body as JSON?) { value, name in value?[name] }
  }
}

/// One command of a vendor's: a struct whose `init` reads (and so declares) its parameters.
public protocol Command: Sendable {
  associatedtype Client: VendorClient
  static var metadata: CommandMetadata { get }
  /// Whether `all_pages` can go beyond one request.
  static var hasPages: Bool { get }
  /// Whether an answer that is a success may hold targets that failed. Otherwise one that fails makes
  /// a command over targets fail, and the error tells what became of each.
  static var canPartlySucceed: Bool { get }

  init(_ parameters: inout ParamReader)

  /// The requests it would send, in order, without signing in.
  func plan(with client: Client) -> [HTTPRequest]
  func run(with client: Client, in invocation: Invocation) async throws(CommandError)
    -> CommandResult
}

extension Command {
  public static var hasPages: Bool { false }
  public static var canPartlySucceed: Bool { false }
}

/// How requests of one connection are completed and sent.
public protocol VendorClient: AnyObject, Sendable {
  /// Makes ready what decides whether a command may begin, such as the credential that its rate
  /// limit belongs to. Nothing is sent for the command itself.
  func prepare(in invocation: Invocation) async throws(CommandError)
  /// Completes a request as it would be sent, with a stand-in for the credentials.
  func preview(_ request: inout HTTPRequest)
  /// Signs in where that is needed, sends, and reads the body.
  ///
  /// - Returns: the body as JSON; null when there is none.
  func exchange(_ request: HTTPRequest, in invocation: Invocation) async throws(CommandError)
    -> JSON
}

extension VendorClient {
  public func prepare(in invocation: Invocation) async throws(CommandError) {}

  /// The plan of a command that sends this request first.
  public func previews(_ request: consuming HTTPRequest) -> [HTTPRequest] {
    var plan = [request]
    preview(&plan[0])
    return plan
  }
}

/// A command of one request, whose answer is its result.
public protocol RequestCommand: Command {
  func request(with client: Client) -> HTTPRequest
}

extension RequestCommand {
  public func plan(with client: Client) -> [HTTPRequest] {
    client.previews(request(with: client))
  }

  public func run(
    with client: Client, in invocation: Invocation
  ) async throws(CommandError) -> CommandResult {
    let body = try await client.exchange(request(with: client), in: invocation)
    return await invocation.finish(body, items: Self.metadata.items)
  }
}

/// A command whose answer is one page of several.
public protocol PagedCommand: Command {
  /// The page that the caller asked for.
  var page: Int64? { get }
  func request(with client: Client, page: Int64?) -> HTTPRequest
  /// How many pages there are, as this one says; nil when it does not say. When none says, the first
  /// is the only one.
  func pageCount(in body: JSON) -> Int64?
  /// Whether the page with this number is the last one.
  ///
  /// - Parameter total: how many there are, as this page or one before it said.
  func isLast(_ body: JSON, page: Int64, of total: Int64?) -> Bool
}

extension PagedCommand {
  public static var hasPages: Bool { true }

  public func isLast(_ body: JSON, page: Int64, of total: Int64?) -> Bool { page >= total ?? 1 }

  public func plan(with client: Client) -> [HTTPRequest] {
    client.previews(request(with: client, page: page))
  }

  public func run(
    with client: Client, in invocation: Invocation
  ) async throws(CommandError) -> CommandResult {
    let first = try await client.exchange(request(with: client, page: page), in: invocation)
    guard invocation.options.allPages else {
      return await invocation.finish(first, items: Self.metadata.items)
    }
    var pages = PageCollector(invocation, items: Self.metadata.items)
    var body = first
    var number = page ?? 1
    var total: Int64?
    while true {
      total = pageCount(in: body) ?? total
      let isEmpty = await pages.add(body, of: total.map { Int($0) })
      if isLast(body, page: number, of: total) || isEmpty { break }
      guard pages.count < PageCollector.maximumPages else {
        throw CommandError(
          .upstream, "There are more than \(PageCollector.maximumPages) pages.",
          remedy: "Narrow the search, or read page by page.")
      }
      number += 1
      let previous = Self.metadata.items?.list(in: body)?.sourceText
      body = try await client.exchange(request(with: client, page: number), in: invocation)
      if let previous, previous == Self.metadata.items?.list(in: body)?.sourceText {
        throw CommandError(
          .upstream, "The vendor answers every page alike.",
          remedy: "Read page by page, without all_pages.")
      }
    }
    return pages.result
  }
}
