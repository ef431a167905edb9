import Basics
import JSON

/// Distinct names, and a quick lookup of strings in them.
struct NameTable: Sendable {
  /// Up to this number, comparing all names is quicker than hashing.
  private static let fewNames = 32

  let texts: [String]
  private let few: JSONNames?
  private let many: [[UInt8]: Int]

  /// - Parameter texts: distinct by their bytes.
  init(_ texts: [String]) {
    self.texts = texts
    few = texts.count <= Self.fewNames ? JSONNames(texts) : nil
    many =
      texts.count <= Self.fewNames
      ? [:]
      : Dictionary(
        texts.enumerated().map { (Array($1.utf8), $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The position of the name that equals a string.
  ///
  /// - Parameter expected: tried first: callers usually keep one order.
  func position(of json: JSON, expecting expected: Int = 0) -> Int? {
    if let few { return few.position(of: json, expecting: expected) }
    return json.stringBytes.flatMap { many[$0] }
  }
}
