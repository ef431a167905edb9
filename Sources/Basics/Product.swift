/// What this program is, wherever it introduces itself.
package enum Product {
  package static let name = "sallyport"
  package static let version = "0.1.0"
  /// Of the wire contract (see `protocol/`).
  package static let protocolVersion = "1"
}
