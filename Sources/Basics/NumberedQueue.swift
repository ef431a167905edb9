/// A queue whose elements have numbers, so that one in the middle can be removed at once with all that
/// it holds.
struct NumberedQueue<Element> {
  /// Elements that were taken and still have a place, at most.
  private static var maximumTaken: Int { 1_024 }

  /// Nil for those that were removed.
  private var elements: [Element?] = []
  /// The first ones that were taken.
  private var taken = 0
  /// The number of the first element.
  private var start: UInt64 = 0
  /// The elements that wait.
  private(set) var count = 0

  /// - Returns: the number of the element.
  mutating func append(_ element: Element) -> UInt64 {
    elements.append(element)
    count += 1
    return start + UInt64(elements.count - 1)
  }

  /// Removes the element with that number; nil if it was taken or removed.
  mutating func remove(_ number: UInt64) -> Element? {
    guard number >= start else { return nil }
    return take(Int(number - start))
  }

  mutating func popFirst() -> Element? {
    while taken < elements.count {
      let element = take(taken)
      taken += 1
      if taken == elements.count || taken >= Self.maximumTaken && 2 * taken > elements.count {
        elements.removeFirst(taken)
        start += UInt64(taken)
        taken = 0
      }
      if let element { return element }
    }
    return nil
  }

  private mutating func take(_ position: Int) -> Element? {
    guard let element = elements[position] else { return nil }
    elements[position] = nil
    count -= 1
    return element
  }
}
