/// A vendor's documented limit, and the bucket that it fills: commands that name the same one share
/// it.
package struct RateQuota: Sendable, Equatable {
  /// Of commands that declare none.
  package static let defaultBucket = "default"

  package let bucket: String
  package let limit: RateLimit

  package init(_ bucket: String, _ limit: RateLimit) {
    self.bucket = bucket
    self.limit = limit
  }
}
