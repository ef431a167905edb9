import Glibc

/// One parsed JSON text: its bytes and an index over them.
///
/// The index is a flat array of nodes in document order ("tape"). Values are decoded on access.
/// Numbers and strings keep their source text, and a subtree can be copied as source bytes. A tree
/// of enums would need several allocations per value; this needs two per text, and the throughput
/// of the host depends on it.
public final class JSONDocument: @unchecked Sendable {
  // @unchecked: both pointers refer to memory that only `init` writes.
  let bytes: UnsafePointer<UInt8>
  let nodes: UnsafePointer<JSONNode>
  /// Whether source bytes cannot be copied into one line of output unchanged: a line break between
  /// tokens, or U+2028, U+2029 or U+0085 in a string.
  let hasLineBreaks: Bool
  let memoryBytes: Int

  init(copying text: UnsafeBufferPointer<UInt8>, index: borrowing JSONIndex) {
    // One block for both saves an allocation per input line.
    let indexBytes = index.count * MemoryLayout<JSONNode>.stride
    guard let block = malloc(indexBytes + text.count) else { preconditionFailure("out of memory") }
    let ownNodes = block.bindMemory(to: JSONNode.self, capacity: index.count)
    let ownBytes = (block + indexBytes).bindMemory(to: UInt8.self, capacity: text.count)
    if let base = text.baseAddress { ownBytes.initialize(from: base, count: text.count) }
    ownNodes.initialize(from: index.nodes, count: index.count)
    bytes = UnsafePointer(ownBytes)
    nodes = UnsafePointer(ownNodes)
    hasLineBreaks = index.hasLineBreaks
    memoryBytes = indexBytes + text.count
  }

  deinit { free(UnsafeMutableRawPointer(mutating: nodes)) }

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

  init() { nodes = .allocate(capacity: capacity) }

  deinit { nodes.deallocate() }

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
    let larger = UnsafeMutablePointer<JSONNode>.allocate(capacity: capacity * 2)
    larger.initialize(from: nodes, count: count)
    nodes.deallocate()
    (nodes, capacity) = (larger, capacity * 2)
  }

  /// Drops the nodes. Keeps the memory, unless it is very large.
  mutating func removeAll() {
    (count, hasLineBreaks) = (0, false)
    guard capacity > 65_536 else { return }
    nodes.deallocate()
    capacity = 256
    nodes = .allocate(capacity: capacity)
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
