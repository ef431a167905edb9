import Basics
import JSON

/// A JSONPath query (RFC 9535), parsed once and reusable for any number of documents.
///
/// Supports the whole RFC: names, wildcards, indices, slices, descendants, filters with
/// comparisons, existence tests and the functions `length`, `count`, `match`, `search` and `value`.
/// 64-bit integers are compared as integers, all other numbers as doubles. If member names repeat,
/// only the last member counts.
///
/// ```
/// try JSONPath("$.store.book[?@.price < 10].title").values(in: document)
/// ```
package struct JSONPath: Sendable, CustomStringConvertible {
  /// Maximum length of a query in UTF-8 bytes.
  package static let maximumBytes = 16_384
  /// Maximum depth of nested filters, parentheses and function calls.
  package static let maximumNesting = 32
  /// Maximum number of segments in a query, including the queries in its filters. The evaluator's
  /// stack use is proportional to it.
  package static let maximumSegments = 500

  /// The text of the query.
  package let source: String
  private let query: Query

  /// Parses a query. It must start with `$` and have no surrounding blank space.
  ///
  /// - Throws: the first error with its offset, if `source` is not well-formed (section 2.1) or not
  ///   well-typed (section 2.4.3), has an index beyond the exact integers of I-JSON (section 2.1),
  ///   exceeds a limit above or has a regular expression that is too large. A literal regular
  ///   expression that is not an I-Regexp (RFC 9485) does not throw; by sections 2.4.6 and 2.4.7 it
  ///   matches nothing.
  package init(_ source: String) throws(JSONPathError) {
    guard source.utf8.count <= Self.maximumBytes else {
      throw .expected("a query of at most \(Self.maximumBytes) bytes", at: Self.maximumBytes)
    }
    var parser = QueryParser(Array(source.utf8))
    query = try parser.parseWhole()
    self.source = source
  }

  /// The selected values, in the order of RFC 9535. A value that is selected twice is returned
  /// twice. An empty result is not an error.
  ///
  /// Takes time proportional to the number of visited nodes. This can be a power of the document's
  /// size, such as its square for `$..*..*`.
  ///
  /// - Parameter limit: stop after this number of values.
  package func values(in root: JSON, atMost limit: Int = .max) -> [JSON] {
    run(on: root, atMost: limit, trackingLocations: false).map(\.value)
  }

  /// The selected nodes: the same as `values(in:atMost:)`, with locations.
  ///
  /// - Parameter limit: stop after this number of nodes.
  package func nodes(in root: JSON, atMost limit: Int = .max) -> [JSONPathNode] {
    run(on: root, atMost: limit, trackingLocations: true)
  }

  /// Like `values(in:atMost:)`, with a limit on the work, for untrusted queries.
  ///
  /// - Returns: nil if the budget is exhausted before the evaluation is complete.
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
