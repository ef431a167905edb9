/// Where a request is in the input.
package struct RequestPlace: Sendable {
  /// From 0, of the inputs that are read one after the other.
  package var input = 0
  /// From 1.
  package var line = 0
  /// From 0, in a batch.
  package var member = 0
}
