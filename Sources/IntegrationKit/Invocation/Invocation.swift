import Basics
import Delivery
import JSON
import Synchronization

/// The events of an invocation before its response. Each call suspends while the caller reads slowly.
public protocol InvocationEvents: Sendable {
  /// Items of the result, in order.
  func items(_ items: [JSON]) async
  func progress(done: Int, total: Int) async
  func waiting(reason: String, resumeAtMilliseconds: Int64) async
}

/// The counters of an invocation; `meta` of its result.
public struct InvocationMeta: Sendable {
  public var requests = 0
  public var retries = 0
  public var waitedMilliseconds = 0
  public var pages = 0
  public var items = 0
}

/// One run of one command: its options, its events and the sender of its requests.
public final class Invocation: Sendable {
  private struct Counters {
    var pages = 0
    var items = 0
    /// Of the last response, until it is part of the result.
    var responseBytes = 0
  }

  public let command: CommandMetadata
  public let commandID: String
  public let options: InvocationOptions
  package let events: (any InvocationEvents)?
  package let connection: Connection
  package let sender: Sender
  /// The invocation of the whole command, if this one is for one of its targets.
  private let parent: Invocation?
  private let counters = Mutex(Counters())
  private let share: ResultShare

  /// - Parameters:
  ///   - deadline: nil if the caller gave none.
  ///   - results: the memory that the result is counted in.
  ///   - observer: is notified of requests and waits.
  ///   - firstSend: what must be done before the command changes something.
  package convenience init(
    _ command: CommandMetadata, id: String, on connection: Connection, options: InvocationOptions,
    deadline: Deadline?, events: (any InvocationEvents)?,
    results: ResultMemory = ResultMemory(), observer: (any SendObserver)? = nil,
    firstSend: FirstSend? = nil
  ) {
    let operation = Operation(
      id: id, changesSomething: command.effect != .read, isIdempotent: command.isIdempotent,
      readBack: command.readBack, quota: command.rateLimit)
    let channel = connection.channel
    let share = ResultShare(results)
    var notifyWait: Sender.WaitNotice?
    if let events {
      notifyWait = { await events.waiting(reason: $0, resumeAtMilliseconds: $1) }
    }
    self.init(
      command, id: id, on: connection, options: options, events: events,
      sender: Sender(
        operation, on: channel, deadline: InvocationDeadline(deadline, on: channel.time),
        notifyWait: notifyWait, gate: share, observer: observer, firstSend: firstSend),
      share: share)
  }

  private init(
    _ command: CommandMetadata, id: String, on connection: Connection, options: InvocationOptions,
    events: (any InvocationEvents)?, sender: Sender, share: ResultShare,
    parent: Invocation? = nil
  ) {
    self.command = command
    commandID = id
    self.connection = connection
    self.options = options
    self.events = events
    self.sender = sender
    self.share = share
    self.parent = parent
  }

  /// The part of this invocation that concerns one of several targets, or a batch of them.
  func child(sendingThrough gate: (any SendGate)? = nil) -> Invocation {
    Invocation(
      command, id: commandID, on: connection, options: options, events: events,
      sender: sender.child(sendingThrough: gate), share: share, parent: self)
  }

  /// The part of this invocation that reads one of several pages side by side.
  package func part() -> Invocation {
    Invocation(
      command, id: commandID, on: connection, options: options, events: events,
      sender: sender.part(), share: share, parent: self)
  }

  /// The invocation of a sign-in.
  ///
  /// - Parameter mayWait: called when a rate limit delays it; false if no caller can wait that long.
  public static func signIn(
    on connection: Connection, mayWait: (@Sendable (_ until: MonotonicTime) -> Bool)? = nil
  ) -> Invocation {
    Invocation(
      CommandMetadata("Sign In", "Gets an access token."), id: "sign_in", on: connection,
      options: .none, events: nil, sender: .signIn(on: connection.channel, mayWait: mayWait),
      share: ResultShare(ResultMemory()))
  }

  package var deadline: InvocationDeadline { sender.deadline }
  /// The header for programs that this invocation calls (W3C Trace Context). Vendors do not get it.
  package var traceparent: String? { sender.observer?.trace.traceparent }

  public var meta: InvocationMeta {
    let (own, sent) = (counters.withLock { $0 }, sender.counters)
    return InvocationMeta(
      requests: sent.requests, retries: sent.retries, waitedMilliseconds: sent.waitedMilliseconds,
      pages: own.pages, items: own.items)
  }

  func countPage() {
    counters.withLock { $0.pages += 1 }
    parent?.countPage()
  }

  package func countItems(_ count: Int) {
    counters.withLock { $0.items += count }
    parent?.countItems(count)
  }

  // MARK: Memory

  /// Counts memory that the result uses until it is sent.
  ///
  /// - Throws: if the result exceeds the limit. The memory is not counted then.
  package func hold(_ bytes: Int) throws(CommandError) {
    let total = share.addToResult(bytes)
    received(bytes: 0)
    guard total <= share.maximumBytes else {
      releaseHold(bytes)
      throw withRemedy(.tooLarge(maximumBytes: share.maximumBytes, outcome: outcomeAfterSending))
    }
  }

  /// Ends what `hold` counted, for what is dropped or becomes part of the result in another form.
  func releaseHold(_ bytes: Int) { _ = share.addToResult(-bytes) }

  /// Counts the memory of a response until the next one, or until it is part of the result.
  func received(bytes: Int) {
    let before = counters.withLock { counters in
      defer { counters.responseBytes = bytes }
      return counters.responseBytes
    }
    share.add(bytes - before)
  }

  deinit { received(bytes: 0) }

  /// The result is sent, or there is none.
  package func releaseMemory() { share.release() }

  // MARK: Events

  package func reportProgress(done: Int, total: Int) async {
    if options.stream || options.progress { await events?.progress(done: done, total: total) }
  }

  /// Streams the outcome of a target as an item, and drops its body.
  func stream(_ outcome: inout TargetOutcome) async {
    guard options.stream, !Task.isCancelled else { return }
    defer { outcome = outcome.withoutBody }
    let indicator = command.failure
    let item = JSONFragment { outcome.write(to: &$0, indicator: indicator, withData: true) }
    await events?.items([item.json])
    countItems(1)
  }

  /// Streams each element of a list as an item.
  ///
  /// - Parameter repeated: positions of elements that are left out.
  func stream(_ list: JSON, without repeated: Set<Int> = []) async {
    // Nothing is streamed after a cancellation; the next exchange notices it too.
    guard let events, !Task.isCancelled else { return }
    var items = Array(list.elements)
    if !repeated.isEmpty {
      items = items.enumerated().filter { !repeated.contains($0.offset) }.map(\.element)
    }
    await events.items(items)
    countItems(items.count)
  }

  /// The result of a one-request command: its body, or its items if the caller asked for a stream.
  public func finish(_ body: JSON, items: ItemsPath?) async -> CommandResult {
    countPage()
    guard options.stream, let list = items?.list(in: body) else {
      // One response is bounded by the transport.
      _ = share.addToResult(body.documentBytes)
      received(bytes: 0)
      return CommandResult(.body(body), notices: CommandResult.missingList(items, in: body))
    }
    await stream(list)
    return CommandResult(.streamed)
  }
}
