/// Thompson's construction. Counted repetitions are expanded.
struct RegexpCompiler {
  private var instructions: [RegexpProgram.Instruction] = []
  /// Counts visits instead of instructions: `(){9999}` emits none, but its expansion must be
  /// limited.
  private var steps = 0

  mutating func compile(_ syntax: RegexpSyntax) throws(RegexpError) -> RegexpProgram {
    try append(syntax)
    instructions.append(.accept)
    return RegexpProgram(instructions: instructions)
  }

  private mutating func append(_ syntax: RegexpSyntax) throws(RegexpError) {
    steps += 1
    guard steps < Regexp.maximumInstructions, instructions.count < Regexp.maximumInstructions
    else { throw .tooLarge }
    switch syntax {
    case .characters(let characters): instructions.append(.characters(characters))
    case .start: instructions.append(.start)
    case .end: instructions.append(.end)
    case .wordBoundary(let isNegated): instructions.append(.wordBoundary(isNegated: isNegated))
    case .sequence(let parts):
      for part in parts { try append(part) }
    case .alternatives(let branches):
      try append(branches[...])
    case .repetition(let body, let least, let most):
      for _ in 0..<least { try append(body) }
      if let most {
        try append(body, upTo: most - least)
      } else {
        try appendLoop(body)
      }
    }
  }

  private mutating func append(_ branches: ArraySlice<RegexpSyntax>) throws(RegexpError) {
    var ends: [Int] = []
    for branch in branches.dropLast() {
      let fork = reserve()
      try append(branch)
      ends.append(reserve())
      instructions[fork] = .fork(fork + 1, instructions.count)
    }
    if let last = branches.last { try append(last) }
    for end in ends { instructions[end] = .jump(instructions.count) }
  }

  private mutating func append(
    _ body: RegexpSyntax, upTo count: Int
  ) throws(RegexpError) {
    var forks: [Int] = []
    for _ in 0..<count {
      forks.append(reserve())
      try append(body)
    }
    for fork in forks { instructions[fork] = .fork(fork + 1, instructions.count) }
  }

  private mutating func appendLoop(_ body: RegexpSyntax) throws(RegexpError) {
    let fork = reserve()
    try append(body)
    instructions.append(.jump(fork))
    instructions[fork] = .fork(fork + 1, instructions.count)
  }

  /// Reserves the slot of an instruction whose target is not known yet.
  private mutating func reserve() -> Int {
    instructions.append(.accept)
    return instructions.count - 1
  }
}
