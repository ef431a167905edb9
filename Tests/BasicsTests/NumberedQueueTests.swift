import Testing

@testable import Basics

@Suite struct NumberedQueueTests {
  @Test func `elements come in order, without the removed ones`() {
    var queue = NumberedQueue<String>()
    let numbers = ["a", "b", "c", "d"].map { queue.append($0) }
    #expect(queue.remove(numbers[1]) == "b")
    #expect(queue.remove(numbers[1]) == nil)
    #expect(queue.count == 3)
    #expect(queue.popFirst() == "a")
    #expect(queue.remove(numbers[0]) == nil)
    #expect(queue.remove(numbers[3]) == "d")
    #expect(queue.popFirst() == "c")
    #expect(queue.popFirst() == nil)
    #expect(queue.count == 0)
  }

  @Test func `numbers stay valid while others are taken`() {
    var queue = NumberedQueue<Int>()
    var numbers: [UInt64] = []
    var taken: [Int] = []
    var removed: [Int] = []
    for value in 0..<20_000 {
      numbers.append(queue.append(value))
      if value % 3 != 0, let next = queue.popFirst() { taken.append(next) }
      // Some are taken already.
      if value % 5 == 0, let one = queue.remove(numbers[value * 3 / 4]) { removed.append(one) }
      #expect(queue.count == value + 1 - taken.count - removed.count)
    }
    while let next = queue.popFirst() { taken.append(next) }
    #expect(taken == taken.sorted())
    #expect(Set(taken).isDisjoint(with: removed))
    #expect(!removed.isEmpty)
    #expect(Set(taken + removed).count == 20_000)
  }
}
