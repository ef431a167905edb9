import Glibc

/// Member names for lookups, prepared for comparison.
public final class JSONNames: @unchecked Sendable {
  // @unchecked: only `init` writes the memory behind the pointers.
  public let texts: [String]
  let count: Int
  /// The UTF-8 of all names, concatenated; `ends` has the end of each name.
  private let bytes: UnsafeMutablePointer<UInt8>
  private let ends: UnsafeMutablePointer<Int>

  public init(_ texts: [String]) {
    self.texts = texts
    count = texts.count
    let total = texts.reduce(0) { $0 + $1.utf8.count }
    bytes = .allocate(capacity: total)
    ends = .allocate(capacity: texts.count)
    var end = 0
    for (position, text) in texts.enumerated() {
      for byte in text.utf8 {
        (bytes + end).initialize(to: byte)
        end += 1
      }
      (ends + position).initialize(to: end)
    }
  }

  deinit {
    bytes.deallocate()
    ends.deallocate()
  }

  public convenience init(_ texts: String...) { self.init(texts) }

  /// The position of the name that equals a string; nil for other strings and other types.
  public func position(of json: JSON) -> Int? {
    guard json.kind == .string else { return nil }
    guard json.node.hasEscapes else { return position(of: json.content, expecting: 0) }
    return JSONString.decode(json.content).withUnsafeBufferPointer {
      position(of: $0, expecting: 0)
    }
  }

  /// The position of a name. Tries `expected` first: callers usually keep one order.
  @inline(__always)
  func position(of name: UnsafeBufferPointer<UInt8>, expecting expected: Int) -> Int? {
    guard let other = name.baseAddress else { return nil }
    var position = expected
    for _ in 0..<count {
      let start = position == 0 ? 0 : ends[position - 1]
      if ends[position] - start == name.count, memcmp(bytes + start, other, name.count) == 0 {
        return position
      }
      position += 1
      if position == count { position = 0 }
    }
    return nil
  }
}

/// Selected members of one object, found in one pass. If names repeat, the last member counts.
///
/// Not copyable, because it is large and read only where it was created.
public struct JSONSelection: ~Copyable, Sendable {
  /// Maximum number of names.
  public static let maximumNames = 32

  private let document: JSONDocument
  /// The value's node by position of the name; 0 if absent (node 0 is the root, never a member).
  private var nodes = InlineArray<32, UInt32>(repeating: 0)
  /// The number of members with other names.
  public private(set) var unknownCount = 0

  fileprivate init(_ object: JSON, _ names: JSONNames) {
    precondition(names.count <= Self.maximumNames, "more names than maximumNames")
    document = object.document
    let all = document.nodes
    guard all[object.index].kind == .object else { return }
    let end = Int(all[object.index].next)
    var index = object.index + 1
    var expected = 0
    while index < end {
      let name = all[index]
      let value = index + 1
      if let position = Self.position(of: name, document, names, expected) {
        nodes[position] = UInt32(truncatingIfNeeded: value)
        expected = position + 1 < names.count ? position + 1 : 0
      } else {
        unknownCount += 1
      }
      index = Int(all[value].next)
    }
  }

  @inline(__always)
  private static func position(
    of name: JSONNode, _ document: JSONDocument, _ names: JSONNames, _ expected: Int
  ) -> Int? {
    let content = UnsafeBufferPointer(
      start: document.bytes + Int(name.start), count: Int(name.length))
    guard name.hasEscapes else { return names.position(of: content, expecting: expected) }
    return JSONString.decode(content).withUnsafeBufferPointer {
      names.position(of: $0, expecting: expected)
    }
  }

  /// The value of the member at that position; nil if absent.
  @inline(__always)
  public subscript(position: Int) -> JSON? {
    let node = nodes[position]
    return node == 0 ? nil : JSON(document: document, index: Int(node))
  }

  /// Whether the member is present.
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
  @inline(__always)
  public func valueIfNotNull(_ position: Int) -> JSON? {
    let node = Int(nodes[position])
    if node == 0 || document.nodes[node].kind == .null { return nil }
    return JSON(document: document, index: node)
  }
}

extension JSON {
  /// Looks up several members at once. Finds nothing in a value that is not an object.
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
