/// A vendor's documented limit, and its bucket. Commands that name the same bucket share it.
public struct RateQuota: Sendable, Equatable {
  /// The bucket of commands that declare none.
  public static let defaultBucket = "default"

  public let bucket: String
  public let limit: RateLimit

  public init(_ bucket: String, _ limit: RateLimit) {
    self.bucket = bucket
    self.limit = limit
  }
}
