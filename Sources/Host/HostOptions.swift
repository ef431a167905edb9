/// Limits of one host; each has a name and a unit on the command line too.
package struct HostOptions: Sendable {
  /// Requests that are under way at a time; at that many the host stops reading.
  package var maximumInFlight = 64
  /// Bytes of one line of input, without its end.
  package var maximumLineBytes = 32 * 1_024 * 1_024
  /// Members of one batch array.
  package var maximumBatchRequests = 10_000
  /// Seconds after the end of input, or the first signal, in which requests can still finish.
  package var drainTimeoutSeconds = 30.0
  /// Let requests finish at the end of input however long they take; the timeout then starts at a
  /// signal only.
  package var waitsForAllAtEnd = false
  /// Refuse every command that changes something, on every connection.
  package var isReadOnly = false
  package var mcp = MCPOptions()

  package init() {}
}
