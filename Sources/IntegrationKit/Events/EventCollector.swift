import Basics
import Delivery
import FileStore
import JSON

/// Members of an event besides its fields and its source.
struct EventDetails {
  var files: [StoredFile] = []
  /// Why the event is not complete.
  var error: CommandError?

  func write(to writer: inout JSONWriter) {
    StoredFile.writeMember(files, to: &writer)
    guard let error else { return }
    writer.name("error")
    writer.object { error.writeSummary(to: &$0) }
  }
}

/// Collects the events of one invocation, or streams them without keeping them.
public struct EventCollector {
  private let invocation: Invocation
  private let mapper: EventMapper
  /// Used for documents on which the caller's paths exceed their work budget.
  private let commandMapper: EventMapper
  private var events: [JSONFragment] = []
  private var raws: [JSON] = []
  private var positions = EventPositions()
  public var files: [StoredFile] = []
  public var notices: [String] = []

  public init(_ invocation: Invocation) {
    guard let source = invocation.command.events?() else {
      preconditionFailure("\(invocation.commandID) does not fetch events")
    }
    self.invocation = invocation
    let mapping = invocation.options.fieldMapping
    mapper = EventMapper(source, mapping)
    commandMapper = EventMapper(source, mapping, callersPaths: false)
  }

  /// Maps a document to events. If the caller's paths exceed their work budget, the events contain
  /// only the command's own fields, and a notice reports it. The sender of a mail can cause this.
  /// An error would recur on each call and block all later documents.
  ///
  /// - Parameters:
  ///   - raw: the vendor's response, unchanged.
  ///   - name: the name of the document in notices.
  ///   - files: the files of the event, if it names them itself.
  ///   - error: why the document is not complete. It becomes an event even if the caller's main path
  ///     finds none in it.
  /// - Throws: if the deadline has passed or the invocation is cancelled.
  public mutating func add(
    _ document: JSON, raw: JSON, named name: String, files: [StoredFile] = [],
    error: CommandError? = nil
  ) async throws(CommandError) {
    // Mapping has no request that would check the deadline.
    if Task.isCancelled || invocation.remainingMilliseconds <= 0 {
      throw invocation.stopped("Mapping the fields", outcome: .notApplied)
    }
    let details = EventDetails(files: files, error: error)
    var events: [JSONFragment]
    if let mapped = mapper.events(of: document, raw: raw, details) {
      events = mapped
      if events.isEmpty, error != nil {
        events = commandMapper.events(of: document, raw: raw, details) ?? []
      }
    } else {
      events = commandMapper.events(of: document, raw: raw, details) ?? []
      notices.append(
        "The paths of field_mapping exceed \(EventMapper.maximumWorkUnits) evaluation steps for "
          + "\(name). Its event contains only the command's own fields.")
    }
    guard invocation.options.stream else {
      // A single document is never refused: all later calls would fail at it.
      let isFirst = raws.isEmpty
      let bytes = raw.documentBytes + events.reduce(0) { $0 + $1.bytes.count }
      do throws(CommandError) {
        try invocation.hold(bytes)
      } catch {
        if !isFirst { throw error }
      }
      self.events += events
      raws.append(raw)
      positions.add(events.count, ofDocument: name)
      return
    }
    for event in events { await invocation.stream(event: event) }
  }

  /// - Parameters:
  ///   - cursor: the position from which the next call continues.
  ///   - cursors: the same for each document, if the command knows it.
  public func result(
    cursor: String, between cursors: (any EventCursors)? = nil
  ) -> CommandResult {
    var result = CommandResult(
      invocation.options.stream ? .streamed : .bodies(raws.map(TargetBody.parsed)),
      notices: notices)
    if !invocation.options.stream {
      result.events = events
      result.positions = positions
      result.positions?.cursors = cursors
    }
    result.files = files
    result.cursor = cursor
    return result
  }
}

extension Invocation {
  fileprivate func stream(event: JSONFragment) async {
    guard !Task.isCancelled else { return }
    await events?.items([event.json])
    countItems(1)
  }
}
