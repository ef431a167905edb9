/// Which parts of a JSON message are redacted.
///
/// The names of the protocol, its closed sets of values, and text of the caller are never redacted, so
/// a password such as `result` breaks no message.
public indirect enum MessageLayout: Sendable {
  /// Text of a vendor, with its member names: redacted.
  case foreign
  /// Text of the host, or text that the caller sent in this request: unchanged.
  case own
  /// An object. Members without a layout are foreign.
  case object([String: MessageLayout])
  case list(of: MessageLayout)

  /// The objects of both layouts as one.
  package static func + (first: MessageLayout, second: MessageLayout) -> MessageLayout {
    guard case .object(let members) = first, case .object(let others) = second else { return first }
    return .object(members.merging(others) { $1 })
  }
}
