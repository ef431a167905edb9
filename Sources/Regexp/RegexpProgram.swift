/// A compiled expression: the instructions of a nondeterministic automaton, starting at the first.
struct RegexpProgram: Sendable {
  enum Instruction: Sendable {
    /// Consumes the next scalar if it is in the class, then continues at the next instruction.
    case characters(CharacterClass)
    /// Continues at the next instruction only at the start of the text.
    case start
    /// Continues at the next instruction only at the end of the text.
    case end
    /// Continues at the next instruction only between a word character and another, or only elsewhere.
    case wordBoundary(isNegated: Bool)
    case jump(Int)
    /// Continues at both targets.
    case fork(Int, Int)
    case accept
  }

  let instructions: [Instruction]

  /// Whether every match begins at the start of the text.
  var beginsAtStart: Bool {
    if case .start = instructions[0] { true } else { false }
  }
}
