import Glibc

/// One parsed JSON text: its bytes and an index over them.
///
/// The index is a flat array of nodes in document order ("tape"). Values are decoded on access.
/// Numbers and strings keep their source text, and a subtree can be copied as source bytes. A tree
/// of enums would need several allocations per value; this needs two per text, and the throughput
/// of the host depends on it.
public final class JSONDocument: @unchecked Sendable {
  // @unchecked: all of it is written by `init`, and by `replace` when nobody else has the document.

  /// The text, and `padding` bytes after it.
  @exclusivity(unchecked) @usableFromInline private(set) var bytes: UnsafePointer<UInt8>
  @exclusivity(unchecked) @usableFromInline private(set) var nodes: UnsafePointer<JSONNode>
  /// Whether source bytes cannot be copied into one line of output unchanged: a line break between
  /// tokens, or U+2028, U+2029 or U+0085 in a string.
  @exclusivity(unchecked) private(set) var hasLineBreaks: Bool
  @exclusivity(unchecked) private(set) var memoryBytes: Int
  /// The owner of the bytes; nil if they are memory of this object.
  private let text: [UInt8]?
  /// The size of the memory at `nodes`; 0 if it does not contain the bytes.
  private let blockBytes: Int

  /// Readable bytes after the text: every byte of it may be loaded as a word (`PaddedText`).
  static let padding = 8

  /// Size in bytes from which on a text is kept instead of copied. A smaller one shares a block with
  /// its index, and may be in an array with much unused memory.
  static let keptBytes = 65_536

  /// Whether a document keeps a text instead of a copy.
  static func keeps(_ text: [UInt8]) -> Bool {
    text.count >= keptBytes && text.capacity - text.count >= padding
  }

  /// Nodes from which on they are taken over from the parser. A copy of a larger index would double
  /// the memory that hostile text costs.
  private static let splitNodes = 65_536

  /// A parser keeps no larger block for its next text.
  private static let maximumReusableBytes = 16_384

  init(copying text: UnsafeBufferPointer<UInt8>, index: inout JSONIndex) {
    self.text = nil
    let isSplit = index.count >= Self.splitNodes
    // One block for both saves an allocation per input line.
    let size = Self.blockBytes(text, nodes: isSplit ? 0 : index.count)
    guard let block = malloc(size) else { preconditionFailure("out of memory") }
    blockBytes = isSplit ? 0 : size
    hasLineBreaks = index.hasLineBreaks
    memoryBytes = Self.memoryBytes(text, index)
    if isSplit {
      bytes = Self.copy(text, to: block)
      nodes = UnsafePointer(index.takeNodes())
    } else {
      (nodes, bytes) = Self.copy(index, text, to: block)
    }
  }

  init(keeping text: [UInt8], index: inout JSONIndex) {
    self.text = text
    blockBytes = 0
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
    if blockBytes == 0, text == nil { free(UnsafeMutableRawPointer(mutating: bytes)) }
  }

  /// Whether a parser should keep the document, to use its memory again.
  var isReusable: Bool { 0 < blockBytes && blockBytes <= Self.maximumReusableBytes }

  /// Replaces the content. The caller has the only reference.
  ///
  /// - Returns: false if the memory is too small.
  func replace(by text: UnsafeBufferPointer<UInt8>, _ index: borrowing JSONIndex) -> Bool {
    guard Self.blockBytes(text, nodes: index.count) <= blockBytes else { return false }
    (nodes, bytes) = Self.copy(index, text, to: UnsafeMutableRawPointer(mutating: nodes))
    hasLineBreaks = index.hasLineBreaks
    memoryBytes = Self.memoryBytes(text, index)
    return true
  }

  private static func memoryBytes(
    _ text: UnsafeBufferPointer<UInt8>, _ index: borrowing JSONIndex
  ) -> Int {
    index.count * MemoryLayout<JSONNode>.stride + text.count
  }

  private static func blockBytes(_ text: UnsafeBufferPointer<UInt8>, nodes: Int) -> Int {
    nodes * MemoryLayout<JSONNode>.stride + text.count + padding
  }

  /// Copies nodes and text into one block.
  private static func copy(
    _ index: borrowing JSONIndex, _ text: UnsafeBufferPointer<UInt8>,
    to block: UnsafeMutableRawPointer
  ) -> (UnsafePointer<JSONNode>, UnsafePointer<UInt8>) {
    let nodes = block.bindMemory(to: JSONNode.self, capacity: index.count)
    nodes.initialize(from: index.nodes, count: index.count)
    return (
      UnsafePointer(nodes),
      copy(text, to: block + index.count * MemoryLayout<JSONNode>.stride)
    )
  }

  private static func copy(
    _ text: UnsafeBufferPointer<UInt8>, to block: UnsafeMutableRawPointer
  ) -> UnsafePointer<UInt8> {
    let bytes = block.bindMemory(to: UInt8.self, capacity: text.count + padding)
    if let base = text.baseAddress { bytes.initialize(from: base, count: text.count) }
    (bytes + text.count).initialize(repeating: 0, count: padding)
    return UnsafePointer(bytes)
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
  subscript(position: Int) -> JSONNode { nodes[position] }

  /// Completes an open container, whose `next` is the container around it.
  ///
  /// - Parameter end: the offset after its closing bracket.
  /// - Returns: the container around it.
  @inline(__always)
  mutating func close(_ container: UInt32, end: Int) -> UInt32 {
    let node = nodes + Int(container)
    node.pointee.length = UInt32(truncatingIfNeeded: end) &- node.pointee.start
    defer { node.pointee.next = UInt32(truncatingIfNeeded: count) }
    return node.pointee.next
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
@usableFromInline
struct JSONNode {
  /// Offset of the first byte; for a string, of the byte after the opening quote.
  @usableFromInline var start: UInt32
  /// Length of the source text in bytes; for a string, without the quotes.
  @usableFromInline var length: UInt32
  /// Index of the node after this value's subtree.
  @usableFromInline var next: UInt32
  @usableFromInline var kind: JSON.Kind
  /// Whether a string contains a backslash. If so, it must be decoded before a comparison.
  @usableFromInline var hasEscapes: Bool
}
