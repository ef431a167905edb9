import Delivery
import JSON

/// Reads pages ahead of the one that is processed, and returns them in order.
///
/// A page that waited for a rate limit halves the number of pages that are read ahead, and each other
/// page raises it by one. So a long list does not reserve the places that other invocations of the
/// connection need.
struct PageReader {
  /// Pages that are requested or kept at most, before the one that is processed.
  static let maximumPagesAhead = 8

  typealias Exchange = @Sendable (_ page: Int64, Invocation) async throws(CommandError) -> JSON

  struct Page: Sendable {
    let number: Int64
    let body: Result<JSON, CommandError>
    /// Counts the memory of the body while it is kept.
    let invocation: Invocation
  }

  private let invocation: Invocation
  private let maximumAhead: Int
  private let exchange: Exchange
  private var ahead: Int
  private var requested: Int64
  private var arrived: [Int64: Page] = [:]

  /// - Parameter page: the page that was read already.
  init(_ invocation: Invocation, after page: Int64, _ exchange: @escaping Exchange) {
    self.invocation = invocation
    self.exchange = exchange
    maximumAhead =
      invocation.sender.channel.concurrency.maximum.map { min($0, Self.maximumPagesAhead) }
      ?? Self.maximumPagesAhead
    ahead = maximumAhead
    requested = page
  }

  /// The body of a page. Requests that and further ones, up to `last`.
  mutating func page(
    _ number: Int64, upTo last: Int64, in group: inout TaskGroup<Page>
  ) async throws(CommandError) -> JSON {
    while true {
      while requested < max(number, min(last, number + Int64(ahead) - 1)) {
        requested += 1
        request(requested, in: &group)
      }
      if let page = arrived.removeValue(forKey: number) { return try page.body.get() }
      guard let page = await group.next() else {
        preconditionFailure("page \(number) was not requested")
      }
      arrived[page.number] = page
      adapt(to: page)
    }
  }

  private func request(_ number: Int64, in group: inout TaskGroup<Page>) {
    group.addTask { [exchange, own = invocation.part()] in
      do throws(CommandError) {
        return Page(
          number: number, body: .success(try await exchange(number, own)), invocation: own)
      } catch {
        return Page(number: number, body: .failure(error), invocation: own)
      }
    }
  }

  private mutating func adapt(to page: Page) {
    ahead =
      page.invocation.meta.waitedMilliseconds > 0 ? max(1, ahead / 2) : min(maximumAhead, ahead + 1)
  }
}
