import Glibc

/// One parsed JSON text: its bytes and an index over them.
///
/// The index is a flat array of nodes in document order ("tape"). Nothing is decoded until it is
/// asked for, numbers and strings keep their source text, and a subtree can be copied out as the
/// bytes it arrived in. Compared with a tree of enums this needs two allocations per text instead
/// of several per value, which is what the host's line rate rests on.
public final class JSONDocument: @unchecked Sendable {
  // @unchecked: what both pointers point to is written in `init` only.
  let bytes: UnsafePointer<UInt8>
  let nodes: UnsafePointer<JSONNode>
  /// True when a subtree's source bytes cannot stand inside one line of output as they are:
  /// they hold a line break between tokens, or U+2028, U+2029 or U+0085 in a string.
  let hasLineBreaks: Bool

  init(copying text: UnsafeBufferPointer<UInt8>, index: borrowing JSONIndex) {
    // One block for both: an allocation less for each line of input.
    let indexBytes = index.count * MemoryLayout<JSONNode>.stride
    guard let block = malloc(indexBytes + text.count) else { preconditionFailure("out of memory") }
    let ownNodes = block.bindMemory(to: JSONNode.self, capacity: index.count)
    let ownBytes = (block + indexBytes).bindMemory(to: UInt8.self, capacity: text.count)
    if let base = text.baseAddress { ownBytes.initialize(from: base, count: text.count) }
    ownNodes.initialize(from: index.nodes, count: index.count)
    bytes = UnsafePointer(ownBytes)
    nodes = UnsafePointer(ownNodes)
    hasLineBreaks = index.hasLineBreaks
  }

  deinit { free(UnsafeMutableRawPointer(mutating: nodes)) }

  public var root: JSON { JSON(document: self, index: 0) }
}

/// What the parser learned about one text.
///
/// Kept from text to text. Memory of its own instead of an array, for the price of an append.
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

  /// Forgets the nodes and keeps the memory, unless there is very much.
  mutating func removeAll() {
    (count, hasLineBreaks) = (0, false)
    guard capacity > 65_536 else { return }
    nodes.deallocate()
    capacity = 256
    nodes = .allocate(capacity: capacity)
  }
}

/// One value of a document, 16 bytes. Offsets fit in 32 bits because every text the host reads is
/// far below 4 GiB (`JSONParser.maximumBytes`).
struct JSONNode {
  /// Offset of the first byte; of a string, the byte after the opening quote.
  var start: UInt32
  /// Bytes of source text; of a string, without the quotes.
  var length: UInt32
  /// Index of the node after this value's whole subtree.
  var next: UInt32
  var kind: JSON.Kind
  /// A string with a backslash in it, which must be decoded before it is compared.
  var hasEscapes: Bool
}
