/// What this program is, wherever it introduces itself.
public enum Product {
  public static let name = "sallyport"
  public static let version = "0.1.0"
  /// Of the wire contract (see `protocol/`).
  public static let protocolVersion = "1"
}
