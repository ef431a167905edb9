import Basics
import Delivery
import FileStore
import JSON

/// Gathers the events of one invocation, or streams them and forgets them.
public struct EventCollector {
  private let invocation: Invocation
  private let mapper: EventMapper
  /// For documents that the caller's paths take too much for.
  private let ownMapper: EventMapper
  private var events: [JSONFragment] = []
  private var raws: [JSON] = []
  public var files: [StoredFile] = []
  public var notices: [String] = []

  public init(_ invocation: Invocation) {
    guard let source = invocation.command.events?() else {
      preconditionFailure("\(invocation.commandID) does not fetch events")
    }
    self.invocation = invocation
    let mapping = invocation.options.fieldMapping
    mapper = EventMapper(source, mapping)
    ownMapper = EventMapper(source, mapping, callersPaths: false)
  }

  /// Makes events of a document. Where the caller's paths take too much, which who sent it may have
  /// meant to happen, they are left out, and a notice tells so: a failure would come again with each
  /// call and keep back all that follows.
  ///
  /// - Parameters:
  ///   - raw: the vendor's answer, untouched.
  ///   - name: the document's in notices.
  /// - Throws: after the deadline.
  public mutating func add(
    _ document: JSON, raw: JSON, named name: String
  ) async throws(CommandError) {
    // The paths are work without an exchange that would notice it.
    if Task.isCancelled || invocation.remainingMilliseconds <= 0 {
      throw invocation.stopped("Mapping the fields", outcome: .notApplied)
    }
    let events: [JSONFragment]
    if let mapped = mapper.events(of: document, raw: raw) {
      events = mapped
    } else {
      events = ownMapper.events(of: document, raw: raw) ?? []
      notices.append(
        "The paths of field_mapping look at more than \(EventMapper.maximumWorkUnits) values of "
          + "\(name): it is an event with the command's own fields alone.")
    }
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
    countItem()
  }
}
