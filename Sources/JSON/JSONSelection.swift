import Glibc

/// Names that an object's members are looked up by, kept ready for comparing.
public final class JSONNames: @unchecked Sendable {
  // @unchecked: what the pointers point to is written in `init` only.
  public let texts: [String]
  let count: Int
  /// The names' UTF-8 one after the other, and where each ends.
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

  /// The position of the name that a string is; nil for another string or another kind.
  public func position(of json: JSON) -> Int? {
    guard json.kind == .string else { return nil }
    guard json.node.hasEscapes else { return position(of: json.content, expecting: 0) }
    return JSONString.decode(json.content).withUnsafeBufferPointer {
      position(of: $0, expecting: 0)
    }
  }

  /// The position of a name, trying `expected` first: callers tend to keep to one order.
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

/// Some members of one object, found in one pass over it. Of several members of one name it is the
/// last that counts.
///
/// Not copyable, since it is large and only read where it was made.
public struct JSONSelection: ~Copyable, Sendable {
  /// Names of one object at most.
  public static let maximumNames = 32

  private let document: JSONDocument
  /// By position among the names: the node of the value, 0 for none (the root is nobody's value).
  private var nodes = InlineArray<32, UInt32>(repeating: 0)
  /// Members with other names.
  public private(set) var unknownCount = 0

  fileprivate init(_ object: JSON, _ names: JSONNames) {
    precondition(names.count <= Self.maximumNames, "too many names of one object")
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

  /// The value of the member with the name at that position; nil for none.
  @inline(__always)
  public subscript(position: Int) -> JSON? {
    let node = nodes[position]
    return node == 0 ? nil : JSON(document: document, index: Int(node))
  }

  /// Whether there is such a member.
  public func has(_ position: Int) -> Bool { nodes[position] != 0 }

  /// Whether the member is that string.
  public func equals(_ position: Int, _ text: StaticString) -> Bool {
    let node = document.nodes[Int(nodes[position])]
    guard nodes[position] != 0, node.kind == .string else { return false }
    if node.hasEscapes { return self[position]?.equals("\(text)") == true }
    guard Int(node.length) == text.utf8CodeUnitCount else { return false }
    return memcmp(document.bytes + Int(node.start), text.utf8Start, Int(node.length)) == 0
  }

  /// The same, and nil also for null.
  @inline(__always)
  public func valueIfNotNull(_ position: Int) -> JSON? {
    let node = Int(nodes[position])
    if node == 0 || document.nodes[node].kind == .null { return nil }
    return JSON(document: document, index: node)
  }
}

extension JSON {
  /// Looks up several members at once; finds none in a value that is not an object.
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
