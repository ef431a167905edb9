/// A vendor's documented limit, and the bucket that it fills: commands that name the same one share
/// it.
public struct RateQuota: Sendable, Equatable {
  /// Of commands that declare none.
  public static let defaultBucket = "default"

  public let bucket: String
  public let limit: RateLimit

  public init(_ bucket: String, _ limit: RateLimit) {
    self.bucket = bucket
    self.limit = limit
  }
}
