import HTTP
import IntegrationKit
import JSON

/// Lists whose pages are named by tokens.
extension GmailClient {
  /// The token of the page after this one, or nil.
  static func nextPage(in body: JSON) -> String? {
    body["nextPageToken"]?.string.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Reads pages until the limit or the last one.
  ///
  /// - Parameters:
  ///   - limit: of items; nil for all.
  ///   - request: for the page of a token, and the number of items that are left of the limit.
  func pages(
    limit: Int64? = nil, in invocation: Invocation,
    request: (_ left: Int64, _ token: String?) -> HTTPRequest
  ) async throws(CommandError) -> CommandResult {
    var pages = PageCollector(invocation, items: invocation.command.items)
    try await collect(into: &pages, limit: limit, in: invocation, request: request)
    return pages.result
  }

  /// The same for pages that are collected elsewhere.
  func collect(
    into pages: inout PageCollector, limit: Int64? = nil, in invocation: Invocation,
    request: (_ left: Int64, _ token: String?) -> HTTPRequest
  ) async throws(CommandError) {
    let items = invocation.command.items
    var token: String?
    while true {
      let left = (limit ?? .max) - Int64(pages.itemCount)
      let body = try await exchange(request(left, token), in: invocation)
      let next = Self.nextPage(in: body)
      // Later pages are merged into the first page that has items.
      if next == nil || items?.list(in: body) != nil { try await pages.add(body, of: nil) }
      guard let next else { break }
      if let limit, pages.itemCount >= limit {
        pages.notices.append("There are more items than the limit of \(limit).")
        break
      }
      guard next != token else {
        pages.notices.append("The vendor repeats the token of a page. Later pages were not read.")
        break
      }
      token = next
    }
  }
}
