/// The headers of a request, in order. The first ones need no allocation.
public struct HTTPHeaders: Sendable, RandomAccessCollection, ExpressibleByArrayLiteral {
  public typealias Element = HTTPRequest.Header

  private var first: Element?
  private var second: Element?
  private var third: Element?
  private var others: [Element] = []
  public private(set) var endIndex = 0

  public init(arrayLiteral headers: Element...) {
    for header in headers { append(header) }
  }

  public var startIndex: Int { 0 }

  public subscript(position: Int) -> Element {
    let header =
      switch position {
      case 0: first
      case 1: second
      case 2: third
      default: others[position - 3]
      }
    guard let header else { preconditionFailure("there is no header \(position)") }
    return header
  }

  public mutating func append(_ header: Element) {
    switch endIndex {
    case 0: first = header
    case 1: second = header
    case 2: third = header
    default: others.append(header)
    }
    endIndex += 1
  }

  public mutating func removeAll(where isRemoved: (Element) -> Bool) {
    let all = self
    self = []
    for header in all where !isRemoved(header) { append(header) }
  }
}
