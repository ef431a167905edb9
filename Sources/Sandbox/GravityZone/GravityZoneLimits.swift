/// The rate limits per key.
struct GravityZoneLimits {
  enum Bucket: Hashable {
    case others, tasks, blocklist

    var calls: Int {
      switch self {
      case .others: 10
      case .tasks: 30
      case .blocklist: 5
      }
    }

    var milliseconds: Int { self == .others ? 1_000 : 60_000 }

    /// Maximum number of further calls that are queued.
    var queue: Int { self == .blocklist ? 0 : 10 }
  }

  enum Admission {
    /// The time of admission, now or later.
    case at(Int)
    case rejected(retryAfterSeconds: Int)
  }

  private struct Key: Hashable {
    let key: String
    let bucket: Bucket
  }

  /// Admission times of calls in milliseconds, oldest first. Expired ones are removed.
  private var turns: [Key: [Int]] = [:]

  mutating func admit(_ key: String, _ bucket: Bucket, now: Int) -> Admission {
    let limit = Key(key: key, bucket: bucket)
    var own = turns[limit, default: []]
    own.removeAll { $0 <= now - bucket.milliseconds }
    defer { turns[limit] = own }
    guard own.count >= bucket.calls else {
      own.append(now)
      return .at(now)
    }
    let waiting = own.filter { $0 > now }
    let next = own[own.count - bucket.calls] + bucket.milliseconds
    guard waiting.count < bucket.queue else {
      // With a queue, when its first call leaves; without a queue, when a call is allowed again.
      let left = (waiting.first ?? next) - now
      return .rejected(retryAfterSeconds: max(1, (left + 999) / 1_000))
    }
    own.append(next)
    return .at(next)
  }
}
