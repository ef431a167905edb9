/// The syntax tree of an I-Regexp.
indirect enum RegexpSyntax {
  case characters(CharacterClass)
  /// `^`
  case start
  /// `$`
  case end
  /// Matches the empty text if it has no parts.
  case sequence([RegexpSyntax])
  case alternatives([RegexpSyntax])
  /// `most` is nil if there is no upper bound.
  case repetition(RegexpSyntax, least: Int, most: Int?)
}
