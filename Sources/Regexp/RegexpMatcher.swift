/// Runs all threads of a program in parallel over one text (Pike's simulation).
///
/// Each instruction is visited at most once per scalar. A pattern such as `(a*)*b` therefore costs
/// at most its size times the length of the text.
struct RegexpMatcher {
  private let instructions: [RegexpProgram.Instruction]
  /// Whether the match must cover the whole text.
  private let isAnchored: Bool
  /// Whether a match can begin only at the start of the text.
  private let beginsAtStart: Bool
  /// The instructions that wait for the next scalar.
  private var waiting: [Int] = []
  private var waitingBefore: [Int] = []
  /// For each instruction, the last round that visited it. Round n is the position before scalar n.
  private var lastVisit: [Int]
  private var round = 0
  private var unvisited: [Int] = []
  /// The scalars around the position.
  private var previous: Unicode.Scalar?
  private var next: Unicode.Scalar?

  init(program: RegexpProgram, isAnchored: Bool) {
    instructions = program.instructions
    self.isAnchored = isAnchored
    beginsAtStart = isAnchored || program.beginsAtStart
    lastVisit = Array(repeating: -1, count: program.instructions.count)
  }

  /// - Parameter steps: the remaining visits of instructions.
  /// - Returns: nil if the steps are not enough.
  mutating func run(on text: String, steps: inout Int) -> Bool? {
    // The memory of `lastVisit`.
    steps -= instructions.count / 16
    var scalars = text.unicodeScalars.makeIterator()
    next = scalars.next()
    var accepts = visit(0, &steps)
    while let scalar = next {
      guard steps > 0 else { return nil }
      if beginsAtStart, waiting.isEmpty { break }
      if accepts, !isAnchored { break }
      previous = scalar
      next = scalars.next()
      round += 1
      accepts = advance(over: scalar, &steps)
    }
    return accepts && (!isAnchored || next == nil)
  }

  private mutating func advance(over scalar: Unicode.Scalar, _ steps: inout Int) -> Bool {
    swap(&waiting, &waitingBefore)
    waiting.removeAll(keepingCapacity: true)
    steps -= 1 + waitingBefore.count
    var accepts = false
    for index in waitingBefore {
      guard case .characters(let characters) = instructions[index], characters.contains(scalar)
      else { continue }
      if visit(index + 1, &steps) { accepts = true }
    }
    if !beginsAtStart, visit(0, &steps) { accepts = true }
    return accepts
  }

  /// Follows all paths from an instruction that consume no scalar. True if one of them accepts.
  private mutating func visit(_ first: Int, _ steps: inout Int) -> Bool {
    var accepts = false
    unvisited.append(first)
    while let index = unvisited.popLast() {
      guard lastVisit[index] != round else { continue }
      lastVisit[index] = round
      steps -= 1
      switch instructions[index] {
      case .characters: waiting.append(index)
      case .start: if round == 0 { unvisited.append(index + 1) }
      case .end: if next == nil { unvisited.append(index + 1) }
      case .wordBoundary(let isNegated):
        let isBoundary = Self.isWord(previous) != Self.isWord(next)
        if isBoundary != isNegated { unvisited.append(index + 1) }
      case .jump(let target): unvisited.append(target)
      case .fork(let first, let second):
        unvisited.append(second)
        unvisited.append(first)
      case .accept: accepts = true
      }
    }
    return accepts
  }

  private static func isWord(_ scalar: Unicode.Scalar?) -> Bool {
    scalar.map { CharacterClass.word.contains($0) } ?? false
  }
}
