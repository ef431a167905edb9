import Delivery
import JSON

/// Collects the pages of one invocation, or streams their items and drops them.
///
/// A list that changes while it is read moves items to a later page. An item whose `id` an earlier
/// page contains is left out.
public struct PageCollector {
  /// Pages of one invocation at most.
  public static let maximumPages = 100_000
  /// Consecutive pages without a new item at most.
  public static let maximumPagesWithoutItems = 100

  private let invocation: Invocation
  /// Whether the pages are the result of one of several targets, which is streamed as a whole.
  private let isOfTarget: Bool
  private var heldBytes = 0
  private let items: ItemsPath?
  private var first: JSON?
  private var more: [CommandResult.Page] = []
  private var known = RecentIDs()
  private var pagesWithoutItems = 0
  private var repeatedItems = 0
  public private(set) var count = 0
  /// Items without the repeated ones.
  public private(set) var itemCount = 0
  public var notices: [String] = []

  /// - Parameter isOfTarget: whether the pages are the result of one of several targets. Take `answer`
  ///   then instead of `result`, and `release` the memory if an error ends the reading.
  public init(_ invocation: Invocation, items: ItemsPath?, isOfTarget: Bool = false) {
    self.invocation = invocation
    self.isOfTarget = isOfTarget
    self.items = items
  }

  /// - Parameter total: the number of pages, if it is known.
  /// - Throws: if the pages exceed the maximum size or number, or bring no new items.
  public mutating func add(_ body: JSON, of total: Int?) async throws(CommandError) {
    count += 1
    let list = items?.list(in: body)
    let repeated = known.positionsOfRepeated(in: list)
    try countItems((list?.count ?? 0) - repeated.count)
    repeatedItems += repeated.count
    if invocation.options.stream, !isOfTarget, let list {
      await invocation.stream(list, without: repeated)
    } else {
      try invocation.hold(body.documentBytes)
      heldBytes += body.documentBytes
      if first == nil {
        first = body
      } else {
        more.append(CommandResult.Page(body: body, repeated: repeated))
      }
    }
    invocation.countPage()
    if let total, !isOfTarget { await invocation.reportProgress(done: count, total: total) }
  }

  private mutating func countItems(_ new: Int) throws(CommandError) {
    itemCount += new
    pagesWithoutItems = new > 0 ? 0 : pagesWithoutItems + 1
    guard pagesWithoutItems <= Self.maximumPagesWithoutItems else {
      throw CommandError(
        .upstream, "More than \(Self.maximumPagesWithoutItems) pages in a row have no new items.",
        remedy: "Narrow the search, or read page by page, without all_pages.")
    }
    guard count <= Self.maximumPages else {
      throw CommandError(
        .upstream, "There are more than \(Self.maximumPages) pages.",
        remedy: "Narrow the search, or read page by page.")
    }
  }

  public var result: CommandResult {
    var result = CommandResult(rawData, notices: notices)
    if count == 1, let first {
      result.notices += CommandResult.missingList(items, in: first)
    }
    if repeatedItems > 0 {
      result.notices.append(
        """
        The list changed while it was read: \(repeatedItems) items were on more than one page and \
        are returned once. Other items may be missing.
        """)
    }
    return result
  }

  /// Ends the count of the memory of the pages.
  public mutating func release() {
    invocation.releaseHold(heldBytes)
    heldBytes = 0
  }

  /// The pages as one body, with the notices about them; for one of several targets.
  public mutating func answer() -> (TargetAnswer, notices: [String]) {
    // The run of the targets counts the body as a whole.
    release()
    let result = result
    return (TargetAnswer(result.body), result.notices)
  }

  private var rawData: CommandResult.RawData {
    guard let first else { return .streamed }
    guard let items, items.list(in: first) != nil else { return .body(first) }
    return .pages(first: first, list: items, more: more)
  }
}

extension CommandResult {
  /// The data as one body; nil if there is none.
  var body: JSON? {
    switch rawData {
    case .body(let body): body
    case .pages(let first, let list, let more):
      JSONFragment { Self.write(first, list, more, to: &$0) }.json
    case .bodies, .streamed, .none: nil
    }
  }

  /// The notice that a response lacks the list of the command.
  static func missingList(_ items: ItemsPath?, in body: JSON) -> [String] {
    guard let items, items.isMissing(in: body) else { return [] }
    return ["The response contains no list at \(items.listText). This is not an empty list."]
  }
}

/// The ids of the items that were read last, in constant memory.
private struct RecentIDs {
  /// Ids that are remembered at least. Items move by a few pages, not across a whole list.
  private static let minimumCount = 65_536

  /// Hashes, since ids have any length.
  private var newer: Set<Int> = []
  private var older: Set<Int> = []

  /// The positions of items that an earlier list contained. Adds the ids of this one.
  mutating func positionsOfRepeated(in list: JSON?) -> Set<Int> {
    guard let list else { return [] }
    var repeated: Set<Int> = []
    var ids: [Int] = []
    for (position, item) in list.elements.enumerated() {
      guard let id = Self.hash(of: item["id"]) else { continue }
      if newer.contains(id) || older.contains(id) {
        repeated.insert(position)
      } else {
        ids.append(id)
      }
    }
    for id in ids { insert(id) }
    return repeated
  }

  private mutating func insert(_ id: Int) {
    if newer.count >= Self.minimumCount { (newer, older) = ([], newer) }
    newer.insert(id)
  }

  /// Nil for other values than ids.
  private static func hash(of id: JSON?) -> Int? {
    guard let id, id.kind == .string || id.kind == .number else { return nil }
    return id.withSource { source in
      var hasher = Hasher()
      hasher.combine(bytes: UnsafeRawBufferPointer(source))
      return hasher.finalize()
    }
  }
}
