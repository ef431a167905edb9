import Basics

/// Which parts of a request's path are values, so that the path can be shown without them.
///
/// It keeps positions, without an allocation: the text is only made for those who read it.
public struct PathTemplate: Sendable {
  /// Values in a path at most. A path with more is shown as if nothing was known of it.
  private static let maximumValues = 3

  /// First and end position of each value, in bytes of the URL.
  private var positions = SIMD8<UInt16>(repeating: 0)
  private var count = 0
  private var isKnown: Bool

  private init(isKnown: Bool) { self.isKnown = isKnown }

  /// Any segment may be a value.
  public static let unknown = PathTemplate(isKnown: false)
  /// No segment is a value of a command.
  public static let constant = PathTemplate(isKnown: true)

  /// Adds the value that ends at the end of what was written.
  mutating func add(from start: Int, to end: Int) {
    guard isKnown, count < Self.maximumValues, let first = UInt16(exactly: start),
      let last = UInt16(exactly: end)
    else {
      isKnown = false
      return
    }
    positions[2 * count] = first
    positions[2 * count + 1] = last
    count += 1
  }

  /// The path of an absolute URL with `{}` in place of values.
  func path(of url: String) -> String {
    let bytes = Array(url.utf8)
    let end = bytes.firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") } ?? bytes.count
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon + 3 <= end,
      let start = bytes[(colon + 3)..<end].firstIndex(of: UInt8(ascii: "/"))
    else { return "/" }
    guard isKnown else {
      let segments = bytes[start..<end].split(separator: UInt8(ascii: "/"))
      return segments.isEmpty ? "/" : segments.map { _ in "/{}" }.joined()
    }
    var text: [UInt8] = []
    var position = start
    for value in 0..<count {
      let (first, last) = (Int(positions[2 * value]), Int(positions[2 * value + 1]))
      guard position <= first, first <= last, last <= end else { continue }
      text += bytes[position..<first]
      text += "{}".utf8
      position = last
    }
    text += bytes[position..<end]
    return String(decoding: text, as: UTF8.self)
  }
}
