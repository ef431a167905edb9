/// What a response says, for those who count responses.
package enum ResponseStatus: Sendable {
  case successful
  /// A result in which some targets failed.
  case partial
  case failed
}
