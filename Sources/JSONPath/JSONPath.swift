import Basics
import JSON

/// A JSONPath query (RFC 9535), parsed once and good for any number of documents.
///
/// Everything of the RFC: names, wildcards, indices, slices, descendants, filters with comparisons,
/// existence tests and the functions `length`, `count`, `match`, `search` and `value`. Numbers that
/// are integers within 64 bits compare as integers, all others as doubles. Of members with the
/// same name, only the last exists.
///
/// ```
/// try JSONPath("$.store.book[?@.price < 10].title").values(in: document)
/// ```
package struct JSONPath: Sendable, CustomStringConvertible {
  /// Longest query, in bytes of UTF-8.
  package static let maximumBytes = 16_384
  /// Filters, parentheses and function calls inside each other.
  package static let maximumNesting = 32
  /// Segments of a query, those of the queries in its filters included. The evaluator's use of
  /// stack is in proportion to it.
  package static let maximumSegments = 500

  /// The query as it was given.
  package let source: String
  private let query: Query

  /// Parses a query, which starts with `$` and has no blank space around it.
  ///
  /// - Throws: the first fault with its offset, when `source` is not well-formed (section 2.1) or
  ///   not well-typed (section 2.4.3), has an index beyond the exact integers of I-JSON
  ///   (section 2.1), exceeds a limit above or holds a regular expression that is too large.
  ///   Not thrown: a literal regular expression that is not an I-Regexp (RFC 9485); by
  ///   sections 2.4.6 and 2.4.7 it just matches nothing.
  package init(_ source: String) throws(JSONPathError) {
    guard source.utf8.count <= Self.maximumBytes else {
      throw .expected("a query of at most \(Self.maximumBytes) bytes", at: Self.maximumBytes)
    }
    var parser = QueryParser(Array(source.utf8))
    query = try parser.parseWhole()
    self.source = source
  }

  /// The values that the query selects, in the order of RFC 9535; a value that was selected
  /// twice is there twice. Nothing selected is not an error.
  ///
  /// The time is in proportion to the nodes that are visited. That can be a power of the document's
  /// size, such as its square with `$..*..*`.
  ///
  /// - Parameter limit: stop after so many values.
  package func values(in root: JSON, atMost limit: Int = .max) -> [JSON] {
    run(on: root, atMost: limit, trackingLocations: false).map(\.value)
  }

  /// The nodes that the query selects: what `values(in:atMost:)` yields, each with its location.
  ///
  /// - Parameter limit: stop after so many nodes.
  package func nodes(in root: JSON, atMost limit: Int = .max) -> [JSONPathNode] {
    run(on: root, atMost: limit, trackingLocations: true)
  }

  /// As `values(in:atMost:)`, for queries of people who are not trusted with any amount of time.
  ///
  /// - Returns: nil when the budget, of which it spends, is not enough for all of `limit`.
  package func values(
    in root: JSON, atMost limit: Int = .max, within budget: WorkBudget
  ) -> [JSON]? {
    let evaluator = Evaluator(root: root, tracksLocations: false, budget: budget)
    let nodes = evaluator.nodes(of: query, current: root, atMost: limit)
    return budget.isSpent ? nil : nodes.map(\.value)
  }

  private func run(on root: JSON, atMost limit: Int, trackingLocations: Bool) -> [JSONPathNode] {
    let evaluator = Evaluator(root: root, tracksLocations: trackingLocations, budget: nil)
    return evaluator.nodes(of: query, current: root, atMost: limit)
  }

  package var description: String { source }
}
