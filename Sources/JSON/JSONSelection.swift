import Glibc

/// Member names for lookups, prepared for comparison.
public final class JSONNames: @unchecked Sendable {
  // @unchecked: only `init` writes the memory behind the pointers.
  public let texts: [String]
  @usableFromInline let count: Int
  /// The UTF-8 of all names, each followed by `JSONDocument.padding` zeros.
  private let bytes: UnsafeMutablePointer<UInt8>
  private let names: UnsafeMutablePointer<PaddedText>

  public init(_ texts: [String]) {
    self.texts = texts
    count = texts.count
    bytes = .allocate(capacity: texts.reduce(0) { $0 + $1.utf8.count + JSONDocument.padding })
    names = .allocate(capacity: texts.count)
    var start = bytes
    for (position, text) in texts.enumerated() {
      let length = text.withUTF8Bytes { text in
        if let base = text.baseAddress { start.initialize(from: base, count: text.count) }
        return text.count
      }
      (start + length).initialize(repeating: 0, count: JSONDocument.padding)
      (names + position).initialize(to: PaddedText(start, count: length))
      start += length + JSONDocument.padding
    }
  }

  deinit {
    bytes.deallocate()
    names.deallocate()
  }

  public convenience init(_ texts: String...) { self.init(texts) }

  /// The position of the name that equals a string; nil for other strings and other types.
  public func position(of json: borrowing JSON) -> Int? {
    let node = json.node
    guard node.kind == .string else { return nil }
    return position(of: node, in: json.document, expecting: 0)
  }

  /// The same. Tries the position `expected` first: callers usually keep one order.
  public func position(of json: borrowing JSON, expecting expected: Int) -> Int? {
    let node = json.node
    guard node.kind == .string else { return nil }
    return position(of: node, in: json.document, expecting: expected < count ? expected : 0)
  }

  /// The position of a string. Tries `expected` first: callers usually keep one order.
  @inline(__always)
  func position(
    of string: JSONNode, in document: borrowing JSONDocument, expecting expected: Int
  ) -> Int? {
    if string.hasEscapes { return position(ofEscaped: string, in: document) }
    return position(
      of: PaddedText(document.bytes + Int(string.start), count: Int(string.length)),
      expecting: expected)
  }

  @inline(never)
  private func position(
    ofEscaped string: JSONNode, in document: borrowing JSONDocument
  ) -> Int? {
    let content = UnsafeBufferPointer(
      start: document.bytes + Int(string.start), count: Int(string.length))
    let decoded = JSONString.decode(content)
    return (decoded + [UInt8](repeating: 0, count: JSONDocument.padding)).withUnsafeBufferPointer {
      guard let base = $0.baseAddress else { return nil }
      return position(of: PaddedText(base, count: decoded.count), expecting: 0)
    }
  }

  @inline(__always)
  private func position(of text: PaddedText, expecting expected: Int) -> Int? {
    var position = expected
    for _ in 0..<count {
      if names[position].equals(text) { return position }
      position += 1
      if position == count { position = 0 }
    }
    return nil
  }
}

/// A text in memory that is readable for `JSONDocument.padding` bytes after it. Texts of at most 16
/// bytes are compared as two words, without a call.
struct PaddedText {
  private let bytes: UnsafePointer<UInt8>
  private let count: Int
  /// The first eight bytes; zeros after the end of a shorter text.
  private let head: UInt64
  /// The last eight bytes of a longer text; otherwise 0.
  private let tail: UInt64

  @inline(__always)
  init(_ bytes: UnsafePointer<UInt8>, count: Int) {
    self.bytes = bytes
    self.count = count
    let first = Self.word(bytes)
    // A shift by 64 or more bits gives 0.
    head = first & ~(UInt64.max << (8 * UInt64(truncatingIfNeeded: count)))
    tail = count > 8 ? Self.word(bytes + count - 8) : 0
  }

  @inline(__always)
  private static func word(_ bytes: UnsafePointer<UInt8>) -> UInt64 {
    UnsafeRawPointer(bytes).loadUnaligned(as: UInt64.self).littleEndian
  }

  @inline(__always)
  func equals(_ other: PaddedText) -> Bool {
    head == other.head && count == other.count && tail == other.tail
      && (count <= 16 || memcmp(bytes + 8, other.bytes + 8, count - 16) == 0)
  }
}

/// Selected members of one object, found in one pass. If names repeat, the last member counts.
///
/// Not copyable, because it is large and read only where it was created.
public struct JSONSelection: ~Copyable, Sendable {
  /// Maximum number of names.
  public static let maximumNames = 32

  @usableFromInline let document: JSONDocument
  /// The value's node by position of the name; 0 if absent (node 0 is the root, never a member).
  @usableFromInline var nodes = InlineArray<32, UInt32>(repeating: 0)
  /// The number of members with other names.
  public internal(set) var unknownCount = 0

  @inlinable @inline(__always)
  init(_ object: JSON, _ names: JSONNames) {
    document = object.document
    find(names, inNode: object.index)
  }

  @usableFromInline
  mutating func find(_ names: JSONNames, inNode object: Int) {
    precondition(names.count <= Self.maximumNames, "more names than maximumNames")
    let all = document.nodes
    guard all[object].kind == .object else { return }
    let end = Int(all[object].next)
    var index = object + 1
    var expected = 0
    while index < end {
      let value = index + 1
      if let position = names.position(of: all[index], in: document, expecting: expected) {
        nodes[position] = UInt32(truncatingIfNeeded: value)
        expected = position + 1 < names.count ? position + 1 : 0
      } else {
        unknownCount += 1
      }
      index = Int(all[value].next)
    }
  }

  /// The value of the member at that position; nil if absent.
  @inlinable @inline(__always)
  public subscript(position: Int) -> JSON? {
    let node = nodes[position]
    return node == 0 ? nil : JSON(document: document, index: Int(node))
  }

  /// The position, in other names, of the name that the member equals; nil if it equals none.
  public func position(of member: Int, in names: JSONNames) -> Int? {
    let node = document.nodes[Int(nodes[member])]
    guard nodes[member] != 0, node.kind == .string else { return nil }
    return names.position(of: node, in: document, expecting: 0)
  }

  /// Whether the member is present.
  @inlinable @inline(__always)
  public func has(_ position: Int) -> Bool { nodes[position] != 0 }

  /// Whether the member is a string equal to `text`.
  public func equals(_ position: Int, _ text: StaticString) -> Bool {
    let node = document.nodes[Int(nodes[position])]
    guard nodes[position] != 0, node.kind == .string else { return false }
    if node.hasEscapes { return self[position]?.equals("\(text)") == true }
    guard Int(node.length) == text.utf8CodeUnitCount else { return false }
    return memcmp(document.bytes + Int(node.start), text.utf8Start, Int(node.length)) == 0
  }

  /// The value of the member at that position; nil if absent or null.
  @inlinable @inline(__always)
  public func valueIfNotNull(_ position: Int) -> JSON? {
    let node = Int(nodes[position])
    if node == 0 || document.nodes[node].kind == .null { return nil }
    return JSON(document: document, index: node)
  }
}

extension JSON {
  /// Looks up several members at once. Finds nothing in a value that is not an object.
  @inlinable @inline(__always)
  public func select(_ names: JSONNames) -> JSONSelection { JSONSelection(self, names) }
}

extension JSON {
  /// The object without the members of that name; itself if it has none.
  public func removing(_ name: String) -> JSON {
    guard kind == .object, members.contains(where: { $0.name.equals(name) }) else { return self }
    return JSONFragment { writer in
      writer.object { writer in
        for member in members where !member.name.equals(name) {
          writer.name(copying: member.name)
          writer.value(member.value)
        }
      }
    }.json
  }
}
