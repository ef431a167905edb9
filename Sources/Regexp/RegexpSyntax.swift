/// The syntax tree of a pattern.
indirect enum RegexpSyntax {
  case characters(CharacterClass)
  /// `^`
  case start
  /// `$`
  case end
  /// `\b`; `\B` if it is negated.
  case wordBoundary(isNegated: Bool)
  /// Matches the empty text if it has no parts.
  case sequence([RegexpSyntax])
  case alternatives([RegexpSyntax])
  /// `most` is nil if there is no upper bound.
  case repetition(RegexpSyntax, least: Int, most: Int?)
}
