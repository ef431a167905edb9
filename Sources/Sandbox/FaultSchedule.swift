/// The faults that are switched on, and how often each could have struck.
struct FaultSchedule {
  /// What befalls one request.
  struct Strike {
    var effect: SandboxFault.Effect?
    var delayMilliseconds = 0
    var retryAfterSeconds: Int?
    var habits: Set<VendorHabit> = []
  }

  private struct Entry {
    let fault: SandboxFault
    var count = 0
  }

  private var entries: [Entry]

  init(_ faults: [SandboxFault]) { entries = faults.map { Entry(fault: $0) } }

  /// Counts from the start again.
  mutating func restart() {
    for index in entries.indices { entries[index].count = 0 }
  }

  /// - Parameters:
  ///   - place: the request's path as faults name it.
  ///   - method: what it calls there, when its vendor has many methods on one path.
  mutating func strike(
    _ vendor: String, isSignIn: Bool, verb: String, place: String, method: String?
  ) -> Strike {
    var strike = Strike()
    for index in entries.indices {
      let fault = entries[index].fault
      guard fault.vendor == vendor, fault.isSignIn == isSignIn,
        fault.target?.covers(verb: verb, place: place, method: method) ?? true
      else { continue }
      entries[index].count += 1
      guard fault.schedule.isDue(at: entries[index].count) else { continue }
      switch fault.effect {
      case .slow(let milliseconds): strike.delayMilliseconds += milliseconds
      case .habit(let habit): strike.habits.insert(habit)
      case let effect where strike.effect == nil:
        strike.effect = effect
        strike.retryAfterSeconds = fault.retryAfterSeconds
      default: break
      }
    }
    return strike
  }
}

extension SandboxFault.Schedule {
  /// - Parameter count: of the requests so far, this one included.
  fileprivate func isDue(at count: Int) -> Bool {
    switch self {
    case .always: true
    case .every(let interval): count % interval == 0
    case .first(let number): count <= number
    }
  }
}

extension SandboxFault.Target {
  fileprivate func covers(verb: String, place: String, method: String?) -> Bool {
    switch self {
    case .method(let name): return name == method
    case .path(let own, let path, let isPrefix):
      if let own, own != verb { return false }
      return isPrefix ? place.hasPrefix(path) : place == path
    }
  }
}
