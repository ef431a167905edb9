/// How many calls of a key are let through in a stretch of time.
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

    /// Calls beyond, which wait for their turn.
    var queue: Int { self == .blocklist ? 0 : 10 }
  }

  enum Admission {
    /// The turn of the call, now or later.
    case at(Int)
    case refused(retryAfterSeconds: Int)
  }

  private struct Place: Hashable {
    let key: String
    let bucket: Bucket
  }

  /// When calls had or will have their turn, in milliseconds, oldest first; none that is over.
  private var turns: [Place: [Int]] = [:]

  mutating func admit(_ key: String, _ bucket: Bucket, now: Int) -> Admission {
    let place = Place(key: key, bucket: bucket)
    var own = turns[place, default: []]
    own.removeAll { $0 <= now - bucket.milliseconds }
    defer { turns[place] = own }
    guard own.count >= bucket.calls else {
      own.append(now)
      return .at(now)
    }
    let waiting = own.filter { $0 > now }
    let next = own[own.count - bucket.calls] + bucket.milliseconds
    guard waiting.count < bucket.queue else {
      // With a queue, when the first of it leaves; without one, when there is a turn.
      let left = (waiting.first ?? next) - now
      return .refused(retryAfterSeconds: max(1, (left + 999) / 1_000))
    }
    own.append(next)
    return .at(next)
  }
}
