/// The faults that are switched on, and how often each could have struck.
struct FaultSchedule {
  /// What befalls one request.
  struct Strike {
    var effect: SandboxFault.Effect?
    var delayMilliseconds = 0
    var retryAfterSeconds: Int?
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

  /// - Parameter place: the request's path as faults name it.
  mutating func strike(
    _ vendor: String, isSignIn: Bool, method: String, place: String
  ) -> Strike {
    var strike = Strike()
    for index in entries.indices {
      let fault = entries[index].fault
      guard fault.vendor == vendor, fault.isSignIn == isSignIn,
        fault.target?.covers(method: method, place: place) ?? true
      else { continue }
      entries[index].count += 1
      guard fault.schedule.isDue(at: entries[index].count) else { continue }
      if case .slow(let milliseconds) = fault.effect {
        strike.delayMilliseconds += milliseconds
      } else if strike.effect == nil {
        strike.effect = fault.effect
        strike.retryAfterSeconds = fault.retryAfterSeconds
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
  fileprivate func covers(method: String, place: String) -> Bool {
    if let own = self.method, own != method { return false }
    return isPrefix ? place.hasPrefix(path) : place == path
  }
}
