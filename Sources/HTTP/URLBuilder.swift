import Basics

/// Builds an absolute URL (RFC 3986) from a root, path segments and query items.
public struct URLBuilder: ~Copyable {
  private var bytes = ByteBuffer(capacity: 256)
  private var hasQuery = false
  /// Which parts of the path are values.
  public private(set) var pathTemplate = PathTemplate.constant

  /// - Parameter root: percent-encoded, without a trailing slash.
  public init(root: String) { bytes.append(text: root) }

  public var text: String {
    // Only texts were appended.
    bytes.withBytes { String(copying: UTF8Span(unchecked: Span(_unsafeElements: $0))) }
  }

  /// A percent-encoded part of the path.
  public mutating func path(_ text: StaticString) { bytes.append(text) }

  /// One path segment; encodes it.
  public mutating func segment(_ text: String) {
    let start = bytes.count
    bytes.append(text: PercentEncoding.encode(text))
    pathTemplate.add(from: start, to: bytes.count)
  }

  public mutating func path(_ number: Int64) {
    let start = bytes.count
    DecimalDigits.append(number, to: &bytes)
    pathTemplate.add(from: start, to: bytes.count)
  }

  /// A query item; encodes it. Appends nothing if the value is nil.
  public mutating func query(_ name: StaticString, _ value: String?) {
    guard let value else { return }
    startItem(name)
    bytes.append(text: PercentEncoding.encode(value))
  }

  public mutating func query(_ name: StaticString, _ value: Int64?) {
    guard let value else { return }
    startItem(name)
    DecimalDigits.append(value, to: &bytes)
  }

  public mutating func query(_ name: StaticString, _ value: Bool?) {
    guard let value else { return }
    startItem(name)
    bytes.append(value ? "true" : "false" as StaticString)
  }

  private mutating func startItem(_ name: StaticString) {
    bytes.append(hasQuery ? UInt8(ascii: "&") : UInt8(ascii: "?"))
    hasQuery = true
    bytes.append(name)
    bytes.append(UInt8(ascii: "="))
  }
}
