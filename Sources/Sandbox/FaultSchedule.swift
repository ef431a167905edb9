/// The active faults, with the number of requests that each could have affected.
struct FaultSchedule {
  /// The combined faults for one request.
  struct InjectedFaults {
    var effect: SandboxFault.Effect?
    var delayMilliseconds = 0
    var retryAfterSeconds: Int?
    var quirks: Set<VendorQuirk> = []
  }

  private struct Entry {
    let fault: SandboxFault
    var count = 0
  }

  private var entries: [Entry]

  init(_ faults: [SandboxFault]) { entries = faults.map { Entry(fault: $0) } }

  /// Resets the counters.
  mutating func restart() {
    for index in entries.indices { entries[index].count = 0 }
  }

  /// - Parameters:
  ///   - faultPath: the request's path as fault targets name it.
  ///   - method: the called method, if the vendor has many methods on one path.
  mutating func apply(
    _ vendor: String, isSignIn: Bool, verb: String, faultPath: String, method: String?
  ) -> InjectedFaults {
    var injected = InjectedFaults()
    for index in entries.indices {
      let fault = entries[index].fault
      guard fault.vendor == vendor, fault.isSignIn == isSignIn,
        fault.target?.covers(verb: verb, faultPath: faultPath, method: method) ?? true
      else { continue }
      entries[index].count += 1
      guard fault.schedule.isDue(at: entries[index].count) else { continue }
      switch fault.effect {
      case .slow(let milliseconds): injected.delayMilliseconds += milliseconds
      case .quirk(let quirk): injected.quirks.insert(quirk)
      case let effect where injected.effect == nil:
        injected.effect = effect
        injected.retryAfterSeconds = fault.retryAfterSeconds
      default: break
      }
    }
    return injected
  }
}

extension SandboxFault.Schedule {
  /// - Parameter count: the number of matching requests so far, including this one.
  fileprivate func isDue(at count: Int) -> Bool {
    switch self {
    case .always: true
    case .every(let interval): count % interval == 0
    case .first(let number): count <= number
    }
  }
}

extension SandboxFault.Target {
  fileprivate func covers(verb: String, faultPath: String, method: String?) -> Bool {
    switch self {
    case .method(let name): return name == method
    case .path(let own, let path, let isPrefix):
      if let own, own != verb { return false }
      return isPrefix ? faultPath.hasPrefix(path) : faultPath == path
    }
  }
}
