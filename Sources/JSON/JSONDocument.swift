import Glibc

/// One parsed JSON text: its bytes and an index over them.
///
/// The index is a flat array of nodes in document order ("tape"). Values are decoded on access.
/// Numbers and strings keep their source text, and a subtree can be copied as source bytes. A tree
/// of enums would need several allocations per value; this needs two per text, and the throughput
/// of the host depends on it.
public final class JSONDocument: @unchecked Sendable {
  // @unchecked: both pointers refer to memory that nobody writes after `init`.
  let bytes: UnsafePointer<UInt8>
  let nodes: UnsafePointer<JSONNode>
  /// Whether source bytes cannot be copied into one line of output unchanged: a line break between
  /// tokens, or U+2028, U+2029 or U+0085 in a string.
  let hasLineBreaks: Bool
  /// The owner of the bytes; nil if they are memory of this object.
  private let text: [UInt8]?
  /// Whether nodes and bytes are two blocks of memory of this object.
  private let isSplit: Bool
  let memoryBytes: Int

  /// Size in bytes from which on a text is kept instead of copied. A smaller one shares a block with
  /// its index, and may be in an array with much unused memory.
  static let keptBytes = 65_536

  /// Nodes from which on they are taken over from the parser. A copy of a larger index would double
  /// the memory that hostile text costs.
  private static let splitNodes = 65_536

  init(copying text: UnsafeBufferPointer<UInt8>, index: inout JSONIndex) {
    self.text = nil
    isSplit = index.count >= Self.splitNodes
    hasLineBreaks = index.hasLineBreaks
    memoryBytes = index.count * MemoryLayout<JSONNode>.stride + text.count
    // One block for both saves an allocation per input line.
    let indexBytes = isSplit ? 0 : index.count * MemoryLayout<JSONNode>.stride
    guard let block = malloc(max(1, indexBytes + text.count)) else {
      preconditionFailure("out of memory")
    }
    let ownBytes = (block + indexBytes).bindMemory(to: UInt8.self, capacity: text.count)
    if let base = text.baseAddress { ownBytes.initialize(from: base, count: text.count) }
    bytes = UnsafePointer(ownBytes)
    if isSplit {
      nodes = UnsafePointer(index.takeNodes())
    } else {
      let ownNodes = block.bindMemory(to: JSONNode.self, capacity: index.count)
      ownNodes.initialize(from: index.nodes, count: index.count)
      nodes = UnsafePointer(ownNodes)
    }
  }

  init(keeping text: [UInt8], index: inout JSONIndex) {
    self.text = text
    isSplit = false
    hasLineBreaks = index.hasLineBreaks
    memoryBytes = index.count * MemoryLayout<JSONNode>.stride + text.count
    // The memory of an array stays where it is while something refers to it.
    guard let base = text.withUnsafeBufferPointer({ $0.baseAddress }) else {
      preconditionFailure("an empty text is no JSON")
    }
    bytes = base
    nodes = UnsafePointer(index.takeNodes())
  }

  deinit {
    free(UnsafeMutableRawPointer(mutating: nodes))
    if isSplit { free(UnsafeMutableRawPointer(mutating: bytes)) }
  }

  public var root: JSON { JSON(document: self, index: 0) }
}

/// The nodes of one text, as the parser collects them.
///
/// Reused for the next text. Raw memory instead of an array: appending to an array is slower.
struct JSONIndex: ~Copyable {
  private(set) var nodes: UnsafeMutablePointer<JSONNode>
  private var capacity = 256
  private(set) var count = 0
  var hasLineBreaks = false

  init() { nodes = Self.memory(nil, capacity: 256) }

  deinit { free(nodes) }

  /// Memory of malloc(3), whose realloc(3) moves large blocks without a copy.
  private static func memory(
    _ old: UnsafeMutablePointer<JSONNode>?, capacity: Int
  ) -> UnsafeMutablePointer<JSONNode> {
    guard let block = realloc(old, capacity * MemoryLayout<JSONNode>.stride) else {
      preconditionFailure("out of memory")
    }
    return block.bindMemory(to: JSONNode.self, capacity: capacity)
  }

  /// The nodes, to be freed by the caller. The index is empty then.
  mutating func takeNodes() -> UnsafeMutablePointer<JSONNode> {
    let taken = Self.memory(nodes, capacity: max(1, count))
    capacity = 256
    nodes = Self.memory(nil, capacity: capacity)
    count = 0
    return taken
  }

  @inline(__always)
  subscript(position: Int) -> JSONNode {
    get { nodes[position] }
    set { nodes[position] = newValue }
  }

  @inline(__always)
  mutating func append(_ node: JSONNode) {
    if count == capacity { grow() }
    (nodes + count).initialize(to: node)
    count += 1
  }

  @inline(never)
  private mutating func grow() {
    capacity *= 2
    nodes = Self.memory(nodes, capacity: capacity)
  }

  /// Drops the nodes. Keeps the memory, unless it is very large.
  mutating func removeAll() {
    (count, hasLineBreaks) = (0, false)
    guard capacity > 65_536 else { return }
    free(nodes)
    capacity = 256
    nodes = Self.memory(nil, capacity: capacity)
  }
}

/// One value of a document, 16 bytes. Offsets fit in 32 bits because every input text is far below
/// 4 GiB (`JSONParser.maximumBytes`).
struct JSONNode {
  /// Offset of the first byte; for a string, of the byte after the opening quote.
  var start: UInt32
  /// Length of the source text in bytes; for a string, without the quotes.
  var length: UInt32
  /// Index of the node after this value's subtree.
  var next: UInt32
  var kind: JSON.Kind
  /// Whether a string contains a backslash. If so, it must be decoded before a comparison.
  var hasEscapes: Bool
}
