import Basics
import Delivery
import FileStore
import JSON

/// What a command that succeeded answers.
public struct CommandResult: Sendable {
  public enum RawData: Sendable {
    /// The vendor's body, untouched.
    case body(JSON)
    /// The first page with the items of the further ones added to its list.
    case pages(first: JSON, list: ItemsPath, more: [JSON])
    /// The bodies of the targets that succeeded, in the order of the targets.
    case bodies([JSON])
    /// Everything was streamed before.
    case streamed
    /// A command that answers only whether it succeeded.
    case none
  }

  public var rawData: RawData
  /// Of a command over several targets: what became of each, in the order in which they were given.
  public var targets: [TargetOutcome] = []
  /// What it stored, in the order of the targets.
  public var files: [StoredFile] = []
  /// Of a command that fetches events; nil where they were streamed.
  public var events: [JSONFragment]?
  /// What the next call of such a command continues with.
  public var cursor: String?
  /// What the caller should know beside the data, such as that more was done than was asked for.
  public var notices: [String] = []

  public init(_ rawData: RawData, notices: [String] = []) {
    self.rawData = rawData
    self.notices = notices
  }

  /// "Successful", or "Partially Successful" when some targets failed.
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
      writer.array { for body in bodies { $0.value(body) } }
    case .pages(let first, let list, let more):
      writer.name("raw_data")
      let path = list.place(in: first) ?? []
      Self.write(first, extending: path[...], with: more, list, to: &writer)
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

  private static func write(
    _ value: JSON, extending path: ArraySlice<String>, with more: [JSON], _ list: ItemsPath,
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
        for body in more {
          guard let further = list.list(in: body) else { continue }
          for element in further.elements { writer.value(element) }
        }
      }
    } else {
      writer.value(value)
    }
  }
}

extension CommandResult {
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
      return ([first] + more).flatMap { body in list.list(in: body).map { Array($0.elements) } ?? [] }
    case .bodies(let bodies): return bodies
    case .streamed, .none: return nil
    }
  }
}

/// Gathers the pages of one invocation: keeps them, or streams their items and forgets them.
public struct PageCollector {
  /// Pages of one invocation at most.
  public static let maximumPages = 100_000

  private let invocation: Invocation
  private let items: ItemsPath?
  private var first: JSON?
  private var more: [JSON] = []
  public private(set) var count = 0

  public init(_ invocation: Invocation, items: ItemsPath?) {
    self.invocation = invocation
    self.items = items
  }

  /// - Parameter total: how many pages there are in all, where that is known.
  /// - Returns: whether the page holds no items.
  public mutating func add(_ body: JSON, of total: Int?) async -> Bool {
    count += 1
    let list = items?.list(in: body)
    if invocation.options.stream, let list {
      await invocation.stream(list)
    } else if first == nil {
      first = body
    } else {
      more.append(body)
    }
    invocation.setPages(count)
    if let total { await invocation.reportProgress(done: count, total: total) }
    return list?.count == 0
  }

  public var result: CommandResult {
    guard let first else { return CommandResult(.streamed) }
    guard let items, items.list(in: first) != nil else { return CommandResult(.body(first)) }
    return CommandResult(.pages(first: first, list: items, more: more))
  }
}
