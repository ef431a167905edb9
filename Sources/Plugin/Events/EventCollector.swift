import Basics

/// Gathers the events of one invocation, or streams them and forgets them.
public struct EventCollector {
  private let invocation: Invocation
  private let mapper: EventMapper
  private var events: [JSONFragment] = []
  private var raws: [JSON] = []
  public var files: [StoredFile] = []
  public var notices: [String] = []

  public init(_ invocation: Invocation) {
    guard let source = invocation.command.events?() else {
      preconditionFailure("\(invocation.commandID) does not fetch events")
    }
    self.invocation = invocation
    mapper = EventMapper(source, invocation.options.fieldMapping)
  }

  /// Makes events of a document.
  ///
  /// - Parameter raw: the vendor's answer, untouched.
  /// - Throws: when the caller's paths take too much, and after the deadline.
  public mutating func add(_ document: JSON, raw: JSON) async throws(CommandError) {
    // The paths are work without an exchange that would notice it.
    if Task.isCancelled || invocation.remainingMilliseconds <= 0 {
      throw invocation.stopped("Mapping the fields", outcome: .notApplied)
    }
    let events = try mapper.events(of: document, raw: raw)
    guard invocation.options.stream else {
      self.events += events
      raws.append(raw)
      return
    }
    for event in events { await invocation.stream(event: event) }
  }

  /// - Parameter cursor: what the next call continues with.
  public func result(cursor: String) -> CommandResult {
    var result = CommandResult(
      invocation.options.stream ? .streamed : .bodies(raws), notices: notices)
    if !invocation.options.stream { result.events = events }
    result.files = files
    result.cursor = cursor
    return result
  }
}

extension Invocation {
  fileprivate func stream(event: JSONFragment) async {
    guard !Task.isCancelled else { return }
    await events?.item(event.json)
    note { $0.items += 1 }
  }
}
