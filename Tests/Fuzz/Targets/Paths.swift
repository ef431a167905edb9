import JSON
import JSONPath
import Regexp

/// JSONPath queries and the I-Regexp expressions in them.
enum Paths {
  private static let document = Array(
    #"{"a":[1,{"b":"x","c":[null,true,-1.5e3]},"é"],"":{"'":0},"d":{"e":{"a":[[]]}}}"#.utf8)
  private static let maximumDocument = 256
  private static let maximumNodes = 64

  /// A query in the first line, and a document in the rest.
  static func query(_ input: UnsafeBufferPointer<UInt8>) {
    let (head, rest) = input.headAndRest
    guard let query = try? JSONPath(head.text) else { return }
    check(query.source == head.text, "the query has another text")
    let text = rest.isEmpty || rest.count > maximumDocument ? document : Array(rest)
    guard let root = try? JSON.parse(text, limits: JSONLimits(depth: 32)) else { return }
    guard
      let values = query.values(in: root, atMost: maximumNodes, within: WorkBudget(units: 20_000))
    else { return }
    check(values.count <= maximumNodes, "more values than the limit")
    let nodes = query.nodes(in: root, atMost: maximumNodes)
    check(nodes.map(\.value.offset) == values.map(\.offset), "the nodes are not the values")
    for node in nodes {
      guard let path = try? JSONPath(node.normalizedPath) else {
        fatalError("\(node.normalizedPath) is not a query")
      }
      check(
        path.values(in: root).map(\.offset) == [node.value.offset],
        "\(node.normalizedPath) selects another node")
    }
  }

  /// An expression in the first line, and a text in the rest.
  static func expression(_ input: UnsafeBufferPointer<UInt8>) {
    let (head, rest) = input.headAndRest
    guard let expression = try? Regexp(head.text) else { return }
    let text = String(rest.text.prefix(256))
    check(
      !expression.matchesWhole(text) || expression.isFound(in: text),
      "the expression matches the text and is not found in it")
  }
}
