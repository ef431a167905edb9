/// Runs all threads of a program in parallel over one text (Pike's simulation).
///
/// Each instruction is visited at most once per scalar. A pattern such as `(a*)*b` therefore costs
/// at most its size times the length of the text.
struct RegexpMatcher {
  private let instructions: [RegexpProgram.Instruction]
  /// Whether the match must cover the whole text.
  private let isAnchored: Bool
  /// The instructions that wait for the next scalar.
  private var waiting: [Int] = []
  /// For each instruction, the last round that visited it. Round n is the position before scalar n.
  private var lastVisit: [Int]
  private var round = 0
  private var unvisited: [Int] = []

  init(program: RegexpProgram, isAnchored: Bool) {
    instructions = program.instructions
    self.isAnchored = isAnchored
    lastVisit = Array(repeating: -1, count: program.instructions.count)
  }

  mutating func run(on text: String) -> Bool {
    var scalars = text.unicodeScalars.makeIterator()
    var next = scalars.next()
    var accepts = visit(0, isAtEnd: next == nil)
    while let scalar = next {
      if isAnchored ? waiting.isEmpty : accepts { break }
      next = scalars.next()
      round += 1
      accepts = advance(over: scalar, isAtEnd: next == nil)
    }
    return accepts && (!isAnchored || next == nil)
  }

  private mutating func advance(over scalar: Unicode.Scalar, isAtEnd: Bool) -> Bool {
    let before = waiting
    waiting.removeAll(keepingCapacity: true)
    var accepts = false
    for index in before {
      guard case .characters(let characters) = instructions[index], characters.contains(scalar)
      else { continue }
      if visit(index + 1, isAtEnd: isAtEnd) { accepts = true }
    }
    if !isAnchored, visit(0, isAtEnd: isAtEnd) { accepts = true }
    return accepts
  }

  /// Follows all paths from an instruction that consume no scalar. True if one of them accepts.
  private mutating func visit(_ first: Int, isAtEnd: Bool) -> Bool {
    var accepts = false
    unvisited.append(first)
    while let index = unvisited.popLast() {
      guard lastVisit[index] != round else { continue }
      lastVisit[index] = round
      switch instructions[index] {
      case .characters: waiting.append(index)
      case .start: if round == 0 { unvisited.append(index + 1) }
      case .end: if isAtEnd { unvisited.append(index + 1) }
      case .jump(let target): unvisited.append(target)
      case .fork(let first, let second):
        unvisited.append(second)
        unvisited.append(first)
      case .accept: accepts = true
      }
    }
    return accepts
  }
}
