import Delivery
import HTTP
import JSON

/// A command whose response is one page of several.
public protocol PagedCommand: Command {
  /// The page that the caller requested.
  var page: Int64? { get }
  func request(with client: Client, page: Int64?) -> HTTPRequest
  func counts(in body: JSON) -> PageCounts
}

extension PagedCommand {
  public static var hasPages: Bool { true }

  public func plan(with client: Client, add: (consuming HTTPRequest) -> Void) {
    add(request(with: client, page: page))
  }

  public func run(
    with client: Client, in invocation: Invocation
  ) async throws(CommandError) -> CommandResult {
    let items = Self.metadata.items
    let body = try await client.exchange(request(with: client, page: page), in: invocation)
    guard invocation.options.allPages else { return await invocation.finish(body, items: items) }
    let result = await withTaskGroup { group -> Result<CommandResult, CommandError> in
      // Also after an error: no later page is of use.
      defer { group.cancelAll() }
      do throws(CommandError) {
        return .success(try await pages(after: body, with: client, in: invocation, &group))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  private func pages(
    after first: JSON, with client: Client, in invocation: Invocation,
    _ group: inout TaskGroup<PageReader.Page>
  ) async throws(CommandError) -> CommandResult {
    let items = Self.metadata.items
    var pages = PageCollector(invocation, items: items)
    var position = PagePosition(page: page)
    var reader = PageReader(invocation, after: position.page) {
      (page, part) async throws(CommandError) in
      try await client.exchange(request(with: client, page: page), in: part)
    }
    var body = first
    while true {
      let list = items?.list(in: body)
      position.read(counts(in: body), list: list, isWholeBody: body.kind == .array)
      if list == nil, let items, !(position.isFirst && position.isLast) {
        throw PagePosition.noList(at: items, page: position.page)
      }
      try await pages.add(body, of: position.total)
      if position.isLast { break }
      position.advance()
      body = try await reader.page(position.page, upTo: position.lastPage, in: &group)
      if let list, list.count > 0, let next = items?.list(in: body), next.hasSameSource(as: list) {
        throw PagePosition.notAdvancing(page: position.page)
      }
    }
    pages.notices += position.notices(itemCount: pages.itemCount)
    return pages.result
  }
}

/// What a page says about the whole list.
public struct PageCounts: Sendable {
  /// The number of pages.
  let pages: Int64?
  /// Whether pages follow.
  let hasMore: Bool?
  /// The number of items on all pages.
  let items: Int64?
  let perPage: Int64?

  /// The members of a body, each nil if the vendor has none. Vendors also send digits and truth
  /// values as strings.
  public init(pages: JSON?, hasMore: JSON? = nil, items: JSON? = nil, perPage: JSON? = nil) {
    self.pages = Self.count(pages)
    self.hasMore = Self.truth(hasMore)
    self.items = Self.count(items)
    self.perPage = Self.count(perPage)
  }

  private static func count(_ json: JSON?) -> Int64? {
    guard let count = json?.integer ?? json?.string.flatMap({ Int64($0) }), count >= 0 else {
      return nil
    }
    return count
  }

  private static func truth(_ json: JSON?) -> Bool? {
    if let bool = json?.bool { return bool }
    switch json?.string?.lowercased() ?? json?.integer.map({ "\($0)" }) {
    case "true", "1": return true
    case "false", "0": return false
    default: return nil
    }
  }
}

/// The page that is being read, and whether it is the last one.
struct PagePosition {
  private let start: Int64
  private(set) var page: Int64
  /// According to this or an earlier page.
  private var pages: Int64?
  private var items: Int64?
  private var hasMore: Bool?
  private var perPage: Int64?
  private var pageHasItems = false
  private var isArray = false

  init(page: Int64?) {
    start = page ?? 1
    self.page = start
  }

  mutating func advance() { page += 1 }

  /// - Parameter isWholeBody: whether the body is the list, and so has no counts.
  mutating func read(_ counts: PageCounts, list: JSON?, isWholeBody: Bool) {
    isArray = isWholeBody
    pageHasItems = (list?.count ?? 0) > 0
    hasMore = counts.hasMore
    items = counts.items ?? items
    if isFirst { perPage = list.map { Int64($0.count) } }
    perPage = counts.perPage ?? perPage
    // No page that has items is page 1 of 0.
    if let count = counts.pages, count > 0 || !pageHasItems {
      pages = count
    } else if pages == nil {
      pages = pagesOfItems
    }
  }

  /// The number of pages that so many items need.
  private var pagesOfItems: Int64? {
    guard let items, let perPage, perPage > 0 else { return nil }
    return items / perPage + (items % perPage == 0 ? 0 : 1)
  }

  var isFirst: Bool { page == start }

  var isLast: Bool { hasMore.map { !$0 } ?? (page >= pages ?? 1) }

  /// The last page according to the counts; without them, the page itself.
  var lastPage: Int64 { max(page, pages ?? page) }

  var total: Int? { pages.map { Int($0) } }

  /// Why the result may be incomplete.
  ///
  /// - Parameter itemCount: of the items that were read.
  func notices(itemCount: Int) -> [String] {
    if let pages, page < pages {
      return ["The vendor counts \(pages) pages, but says that page \(page) is the last one."]
    }
    if start == 1, let items, itemCount < items {
      return ["The vendor counts \(items) items, but its pages contain \(itemCount)."]
    }
    if pages == nil, hasMore == nil, pageHasItems, !isArray {
      return ["The response does not say how many pages there are. Only page \(page) was read."]
    }
    return []
  }

  static func noList(at items: ItemsPath, page: Int64) -> CommandError {
    CommandError(
      .upstream, "Page \(page) contains no list at \(items.listText).",
      remedy: "Read page by page, without all_pages.")
  }

  static func notAdvancing(page: Int64) -> CommandError {
    CommandError(
      .upstream, "Pagination is not advancing: page \(page) repeats page \(page - 1).",
      remedy: "Read page by page, without all_pages.")
  }
}
