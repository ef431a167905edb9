/// Finds references that return to their own subschema without a step into the value: no value could
/// be checked. Dynamic references are not followed, because their targets depend on the value; there,
/// the limit of depth ends a cycle.
struct ReferenceOrder {
  private let nodes: [SchemaNode]
  /// The length of the longest chain of references from a node; nil before it is known.
  private var lengths: [Int?]
  private var isOpen: [Bool]
  private var faults: [SchemaFault] = []

  static func faults(of nodes: [SchemaNode]) -> [SchemaFault] {
    var order = ReferenceOrder(nodes: nodes)
    for node in nodes.indices where order.lengths[node] == nil { order.visit(node) }
    return order.faults
  }

  private init(nodes: [SchemaNode]) {
    self.nodes = nodes
    lengths = Array(repeating: nil, count: nodes.count)
    isOpen = Array(repeating: false, count: nodes.count)
  }

  /// Depth first, with its own stack: chains can be as long as the schema.
  private mutating func visit(_ first: Int) {
    var stack: [(node: Int, next: Int, children: [Int])] = [(first, 0, children(of: first))]
    isOpen[first] = true
    while let top = stack.last {
      guard top.next < top.children.count else {
        close(top.node, top.children)
        stack.removeLast()
        continue
      }
      stack[stack.count - 1].next += 1
      let child = top.children[top.next]
      if isOpen[child] {
        refuse(top.node, "refers back to itself without a step into the value")
      } else if lengths[child] == nil {
        isOpen[child] = true
        stack.append((child, 0, children(of: child)))
      }
    }
  }

  private mutating func close(_ node: Int, _ children: [Int]) {
    let length = 1 + (children.compactMap { lengths[$0] }.max() ?? 0)
    // Once for each chain: what refers to a refused node is not refused too.
    if length > SchemaLimits.depth {
      refuse(node, "has too many references in a row; limit: \(SchemaLimits.depth)")
    }
    lengths[node] = length > SchemaLimits.depth ? 0 : length
    isOpen[node] = false
  }

  private func children(of node: Int) -> [Int] {
    (nodes[node].inPlace?.nodes ?? []) + (nodes[node].objects?.dependentSchemas.map(\.node) ?? [])
  }

  private mutating func refuse(_ node: Int, _ message: String) {
    guard faults.count < SchemaLimits.faults else { return }
    faults.append(SchemaFault(schemaPath: nodes[node].pointer.text, message: message))
  }
}
