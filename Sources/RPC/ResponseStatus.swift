/// The status of a response, for statistics.
package enum ResponseStatus: Sendable {
  case successful
  /// A result in which some targets failed.
  case partial
  case failed
}
