/// Receives the body of a successful response while it arrives, in place of the response.
public protocol BodySink: Sendable {
  /// A body starts. A request that is repeated starts another one; the earlier one is void.
  func start()

  /// Receives a piece of the body. Does not block.
  ///
  /// - Parameters:
  ///   - bytes: valid only during the call.
  ///   - resume: called once when there is room again, if there is none.
  /// - Returns: false if there is no room. The piece is then offered again.
  func receive(
    _ bytes: UnsafeRawBufferPointer, orElse resume: @escaping @Sendable () -> Void
  ) -> Bool
}
