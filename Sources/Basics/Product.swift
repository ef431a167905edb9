/// The product's name and versions.
public enum Product {
  public static let name = "sallyport"
  public static let version = "0.1.0"
  /// The version of the wire contract (see `protocol/`).
  public static let protocolVersion = "1"
}
