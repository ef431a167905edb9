/// A compiled expression: instructions of a nondeterministic automaton, the first one its start.
struct RegexpProgram: Sendable {
  enum Instruction: Sendable {
    /// Goes on at the next instruction with the next scalar, when that is in the class.
    case characters(CharacterClass)
    /// Goes on at the next instruction at the start of the text only.
    case start
    /// Goes on at the next instruction at the end of the text only.
    case end
    case jump(Int)
    /// Goes on at both.
    case fork(Int, Int)
    case accept
  }

  let instructions: [Instruction]
}
