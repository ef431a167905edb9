import Glibc

/// A value inside a parsed JSON text (RFC 8259).
///
/// Cheap to copy; keeps its whole document alive. Reading never throws: an accessor for another
/// type returns nil. If member names repeat, a lookup finds the last one and `members` returns all
/// of them.
public struct JSON: Sendable {
  public enum Kind: UInt8, Sendable {
    case null, `false`, `true`, number, string, array, object
  }

  @usableFromInline let document: JSONDocument
  @usableFromInline let index: Int

  @inlinable
  init(document: JSONDocument, index: Int) {
    self.document = document
    self.index = index
  }

  @inlinable var node: JSONNode { document.nodes[index] }

  @inlinable public var kind: Kind { node.kind }
  @inlinable public var isNull: Bool { kind == .null }

  /// The start of the value, in bytes from the start of the document.
  public var offset: Int { node.kind == .string ? Int(node.start) - 1 : Int(node.start) }

  /// The memory in bytes that the whole document of this value uses: its text, and 16 bytes per value.
  public var documentBytes: Int { document.memoryBytes }

  // MARK: Scalars

  @inlinable public var bool: Bool? {
    switch kind {
    case .true: true
    case .false: false
    default: nil
    }
  }

  /// The decoded text of a string. An unpaired surrogate escape becomes U+FFFD.
  public var string: String? {
    let node = self.node
    guard node.kind == .string else { return nil }
    if !node.hasEscapes { return Self.text(content) }
    return String(decoding: JSONString.decode(content), as: UTF8.self)
  }

  /// The decoded UTF-8 bytes of a string.
  public var stringBytes: [UInt8]? {
    let node = self.node
    guard node.kind == .string else { return nil }
    return node.hasEscapes ? JSONString.decode(content) : Array(content)
  }

  /// Where the text of a string is, in bytes from the start of the document. Nil for other values, and
  /// for a text with escapes.
  public var plainText: Range<Int>? {
    let node = self.node
    guard node.kind == .string, !node.hasEscapes else { return nil }
    return Int(node.start)..<Int(node.start + node.length)
  }

  /// The value of a number that is an integer of at most 64 bits. Accepts `1`, `1.0` and `1e2`.
  public var integer: Int64? {
    guard kind == .number else { return nil }
    return JSONNumber.integer(content)
  }

  /// The nearest double of a number; infinite if it is out of range.
  public var double: Double? {
    guard kind == .number else { return nil }
    return JSONNumber.double(content)
  }

  /// The source text, unchanged: `1.50`, `"caf\u00e9"`, `{"a": 1}`.
  public var sourceText: String { Self.text(source) }

  /// A part of the document, whose UTF-8 the parser has checked.
  private static func text(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
    String(copying: UTF8Span(unchecked: Span(_unsafeElements: bytes)))
  }

  /// The source text, without line breaks.
  public var singleLineText: String {
    document.hasLineBreaks ? JSONFragment(self).text : sourceText
  }

  /// The source bytes, including the quotes of a string. Valid while the document lives.
  var source: UnsafeBufferPointer<UInt8> {
    let node = self.node
    let quote = node.kind == .string ? 1 : 0
    return UnsafeBufferPointer(
      start: document.bytes + Int(node.start) - quote, count: Int(node.length) + 2 * quote)
  }

  /// The source bytes without the quotes of a string.
  var content: UnsafeBufferPointer<UInt8> {
    let node = self.node
    return UnsafeBufferPointer(
      start: document.bytes + Int(node.start), count: Int(node.length))
  }

  /// Calls `body` with the source bytes, which are valid only during the call.
  public func withSource<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    withExtendedLifetime(document) { body(source) }
  }

  /// Whether both have the same source text.
  public func hasSameSource(as other: JSON) -> Bool {
    withSource { own in
      other.withSource { theirs in
        guard own.count == theirs.count, let one = own.baseAddress, let two = theirs.baseAddress
        else { return own.count == theirs.count }
        return memcmp(one, two, own.count) == 0
      }
    }
  }

  /// Whether this is a string equal to `text`. Decodes only strings with escapes.
  public func equals(_ text: String) -> Bool {
    let node = self.node
    guard node.kind == .string else { return false }
    // Compare bytes: Swift's string comparison treats canonically equivalent strings as equal.
    if node.hasEscapes { return JSONString.decode(content).elementsEqual(text.utf8) }
    let own = content
    return text.withUTF8Bytes { other in
      guard own.count == other.count else { return false }
      guard let one = own.baseAddress, let two = other.baseAddress else { return true }
      return memcmp(one, two, own.count) == 0
    }
  }

  // MARK: Containers

  /// The last member with that name of an object.
  public subscript(name: String) -> JSON? {
    guard kind == .object else { return nil }
    let all = document.nodes
    let end = Int(all[index].next)
    var (member, found) = (index + 1, 0)
    while member < end {
      let value = member + 1
      if JSON(document: document, index: member).equals(name) { found = value }
      member = Int(all[value].next)
    }
    return found == 0 ? nil : JSON(document: document, index: found)
  }

  /// The element at an index of an array, from 0. Takes time proportional to the index.
  public subscript(position: Int) -> JSON? {
    guard position >= 0 else { return nil }
    var remaining = position
    for element in elements {
      if remaining == 0 { return element }
      remaining -= 1
    }
    return nil
  }

  /// The elements of an array; empty for other types.
  public var elements: Elements { Elements(of: self) }

  /// The members of an object in source order; empty for other types.
  public var members: Members { Members(of: self) }

  /// The number of elements or members; 0 for a scalar. Takes time proportional to the number.
  public var count: Int {
    kind == .object ? members.reduce(0) { n, _ in n + 1 } : elements.reduce(0) { n, _ in n + 1 }
  }

  public struct Elements: Sequence, IteratorProtocol {
    let document: JSONDocument
    var index: Int
    let end: Int

    init(of json: JSON) {
      document = json.document
      index = json.index + 1
      end = json.kind == .array ? Int(json.node.next) : index
    }

    public mutating func next() -> JSON? {
      guard index < end else { return nil }
      defer { index = Int(document.nodes[index].next) }
      return JSON(document: document, index: index)
    }
  }

  public struct Member: Sendable {
    /// Always a string.
    public let name: JSON
    public let value: JSON
  }

  public struct Members: Sequence, IteratorProtocol {
    let document: JSONDocument
    var index: Int
    let end: Int

    init(of json: JSON) {
      document = json.document
      index = json.index + 1
      end = json.kind == .object ? Int(json.node.next) : index
    }

    public mutating func next() -> Member? {
      guard index < end else { return nil }
      let name = JSON(document: document, index: index)
      let value = JSON(document: document, index: index + 1)
      index = Int(document.nodes[index + 1].next)
      return Member(name: name, value: value)
    }
  }
}

extension JSON {
  /// Parses a complete text.
  ///
  /// - Throws: the first error, with its offset. Duplicate names, unpaired surrogate escapes and
  ///   numbers out of range are valid and do not throw.
  public static func parse(
    _ text: UnsafeBufferPointer<UInt8>, limits: JSONLimits = JSONLimits()
  ) throws(JSONError) -> JSON {
    var parser = JSONParser(limits: limits)
    return try parser.parse(text)
  }

  /// The same. The document shares the memory of a large text instead of copying it.
  public static func parse(
    _ text: [UInt8], limits: JSONLimits = JSONLimits()
  ) throws(JSONError) -> JSON {
    var parser = JSONParser(limits: limits)
    if JSONDocument.keeps(text) { return try parser.parse(keeping: text) }
    let outcome = text.withUnsafeBufferPointer { buffer in
      Result { () throws(JSONError) in try parser.parse(buffer) }
    }
    return try outcome.get()
  }

  public static func parse(_ text: String) throws(JSONError) -> JSON {
    try parse(Array(text.utf8))
  }
}
