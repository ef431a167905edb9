import Basics
import Delivery
import FileStore
import JSON

/// The result of a command that succeeded.
public struct CommandResult: Sendable {
  /// A page after the first one.
  public struct Page: Sendable {
    let body: JSON
    /// Positions of items that an earlier page contains too.
    var repeated: Set<Int> = []

    func items(at list: ItemsPath) -> [JSON] {
      guard let elements = list.list(in: body)?.elements else { return [] }
      guard !repeated.isEmpty else { return Array(elements) }
      return elements.enumerated().filter { !repeated.contains($0.offset) }.map(\.element)
    }
  }

  public enum RawData: Sendable {
    /// The vendor's body, untouched.
    case body(JSON)
    /// The first page, with the items of the others appended to its list.
    case pages(first: JSON, list: ItemsPath, more: [Page])
    /// The bodies of the targets that succeeded, in the order of the targets.
    case bodies([TargetBody])
    /// All items were streamed.
    case streamed
    /// For a command without data.
    case none
  }

  public var rawData: RawData
  /// The outcome per target, in the order of the arguments, of a command over several.
  public var targets: [TargetOutcome] = []
  /// The files that it stored, in the order of the targets.
  public var files: [StoredFile] = []
  /// Of a command that fetches events; nil if they were streamed.
  public var events: [JSONFragment]?
  /// Where the next call of a command that fetches events continues.
  public var cursor: String?
  /// Of single events; nil if only the position at the end is known.
  public var positions: EventPositions?
  /// Whether a further call with the cursor would return more events at once.
  public var hasMoreEvents = false
  /// Remarks on the data, such as that more was done than was requested.
  public var notices: [String] = []

  public init(_ rawData: RawData, notices: [String] = []) {
    self.rawData = rawData
    self.notices = notices
  }

  /// "Successful", or "Partially Successful" if some targets failed.
  public var returnData: String {
    targets.allSatisfy(\.isSuccess) ? "Successful" : "Partially Successful"
  }

  /// Writes the members of the result.
  ///
  /// - Parameter indicator: the failure indicator of the command, for the errors of targets.
  package func writeMembers(to writer: inout JSONWriter, indicator: String) {
    writer.member("return_data", returnData)
    switch rawData {
    case .body(let body): writer.member("raw_data", body)
    case .bodies(let bodies):
      writer.name("raw_data")
      writer.array { for body in bodies { body.write(to: &$0) } }
    case .pages(let first, let list, let more):
      writer.name("raw_data")
      Self.write(first, list, more, to: &writer)
    case .streamed, .none: break
    }
    if !targets.isEmpty { writeTargets(to: &writer, indicator: indicator) }
    StoredFile.writeMember(files, to: &writer)
    if let events {
      writer.name("events")
      writer.array { for event in events { $0.value(event) } }
    }
    writer.member(ifPresent: "cursor", cursor)
    if !notices.isEmpty {
      writer.name("notices")
      writer.array { for notice in notices { $0.string(notice) } }
    }
  }

  private func writeTargets(to writer: inout JSONWriter, indicator: String) {
    writer.name("targets")
    writer.array {
      for target in targets { target.write(to: &$0, indicator: indicator, withData: false) }
    }
    let failed = targets.filter { !$0.isSuccess }
    guard !failed.isEmpty else { return }
    writer.name("errors")
    writer.array { writer in
      for outcome in failed {
        guard case .failure(let error) = outcome.result else { continue }
        writer.object {
          error.writeMembers(to: &$0, indicator: indicator)
          $0.member("target", outcome.target)
        }
      }
    }
  }

  /// Writes the first page with the items of the others.
  static func write(
    _ first: JSON, _ list: ItemsPath, _ more: [Page], to writer: inout JSONWriter
  ) {
    let path = list.place(in: first) ?? []
    write(first, extending: path[...], with: more, list, to: &writer)
  }

  private static func write(
    _ value: JSON, extending path: ArraySlice<String>, with more: [Page], _ list: ItemsPath,
    to writer: inout JSONWriter
  ) {
    if let name = path.first, value.kind == .object {
      writer.object { writer in
        for member in value.members {
          writer.name(copying: member.name)
          if member.name.equals(name) {
            write(member.value, extending: path.dropFirst(), with: more, list, to: &writer)
          } else {
            writer.value(member.value)
          }
        }
      }
    } else if value.kind == .array {
      writer.array { writer in
        for element in value.elements { writer.value(element) }
        for page in more {
          for element in page.items(at: list) { writer.value(element) }
        }
      }
    } else {
      writer.value(value)
    }
  }
}

extension CommandResult {
  /// The number of elements of `raw_data` where it is a list.
  package func itemCount(at path: ItemsPath?) -> Int? {
    if case .bodies(let bodies) = rawData { return bodies.count }
    return items(at: path)?.count
  }

  /// The elements of `raw_data` where it is a list.
  ///
  /// - Parameter path: where the list stands in a body.
  /// - Returns: nil if there is no list.
  package func items(at path: ItemsPath?) -> [JSON]? {
    switch rawData {
    case .body(let body):
      if let list = path?.list(in: body) { return Array(list.elements) }
      return body.kind == .array ? Array(body.elements) : nil
    case .pages(let first, let list, let more):
      return ([Page(body: first)] + more).flatMap { $0.items(at: list) }
    case .bodies(let bodies): return bodies.map(\.json)
    case .streamed, .none: return nil
    }
  }
}
