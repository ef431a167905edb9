/// Limits of schemas and of the work that they cause.
package enum SchemaLimits {
  /// Maximum size of a schema in bytes.
  package static let bytes = 1_048_576
  /// Maximum number of subschemas.
  package static let subschemas = 10_000
  /// Maximum depth of nested subschemas, of references that follow one another, and of both while a
  /// value is checked. Keeps the stack small: a level takes up to two kilobytes.
  package static let depth = 128
  /// Maximum size of all patterns of a schema, in instructions of compiled expressions.
  package static let patternSize = 100_000
  /// Maximum length of an absolute `$id` in bytes.
  package static let identifierBytes = 4_096
  /// Maximum significant digits of `multipleOf`.
  package static let divisorDigits = 18
  /// Maximum work for one value. A step is about a subschema, a member, a state of a pattern at one
  /// character, or a few compared bytes.
  package static let steps = 10_000_000
  /// Faults of one value after which no more are reported.
  package static let faults = 100
  /// Names that a suggestion is chosen from.
  static let suggestions = 200
  /// Values of `enum` that a message lists.
  static let listedValues = 50
  /// Longer names and texts are truncated in messages and paths, in bytes.
  static let textBytes = 400
}
