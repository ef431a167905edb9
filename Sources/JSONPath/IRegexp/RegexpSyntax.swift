/// An I-Regexp as a tree.
indirect enum RegexpSyntax {
  case characters(CharacterClass)
  /// `^`
  case start
  /// `$`
  case end
  /// Nothing, when empty.
  case sequence([RegexpSyntax])
  case alternatives([RegexpSyntax])
  /// `most` is nil without an upper bound.
  case repetition(RegexpSyntax, least: Int, most: Int?)
}
