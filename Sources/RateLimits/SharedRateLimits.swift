import Basics
import Crypto
import Synchronization

/// The rate buckets of a process that belong to API keys rather than to connections.
///
/// They are kept in a directory too, where the other processes of the user find them. Nothing is
/// made or read before the first of them is needed.
package final class SharedRateLimits: Sendable {
  /// Buckets that are remembered; beyond, idle ones make room.
  private static let usualBuckets = 1_024

  private let directory: LazyValue<String?>
  private let boot: BootID?
  private let log: Log?
  private let buckets = Mutex<[String: SharedRateBucket]>([:])
  private let hasWarned = Atomic(false)

  /// - Parameter directory: asked when it is first needed; nil for limits in this process only.
  package convenience init(log: Log?, directory: @escaping @Sendable () -> String?) {
    self.init(log: log, boot: nil, directory: directory)
  }

  init(log: Log?, boot: BootID?, directory: @escaping @Sendable () -> String?) {
    self.log = log
    self.boot = boot
    self.directory = LazyValue(directory)
  }

  /// Limits of this process only.
  package static var inProcess: SharedRateLimits { SharedRateLimits(log: nil) { nil } }

  /// The bucket of that name that belongs to an identity.
  func bucket(_ name: String, of identity: String) -> SharedRateBucket {
    let key = "\(identity)\n\(name)"
    return buckets.withLock { buckets in
      if let known = buckets[key] { return known }
      if buckets.count >= Self.usualBuckets { buckets = buckets.filter { !$0.value.isIdle } }
      let bucket = SharedRateBucket(file(for: key)) { [weak self] in self?.warn($0) }
      buckets[key] = bucket
      return bucket
    }
  }

  /// A hash, so that nothing of a key reaches the disk; nil without libcrypto.
  static func fileName(for key: String, _ boot: BootID) -> String? {
    try? Digest.hex(.sha256, Array("\(boot.text)\n\(key)".utf8))
  }

  private func file(for key: String) -> RateBucketFile? {
    guard let directory = directory.value else {
      warn("there is no directory for them; set XDG_STATE_HOME or HOME, or use --state-dir")
      return nil
    }
    guard let boot = boot ?? BootID.current else {
      warn("the boot id of this machine cannot be read")
      return nil
    }
    guard let name = Self.fileName(for: key, boot) else {
      warn("libcrypto cannot be used")
      return nil
    }
    return RateBucketFile(directory: directory, name: name, boot: boot)
  }

  private func warn(_ reason: String) {
    guard !hasWarned.exchange(true, ordering: .relaxed) else { return }
    log?.warning("rate limits are not shared with other processes: \(reason)")
  }
}

/// A rate bucket that several use, under its lock.
final class SharedRateBucket: Sendable {
  private struct State {
    var memory = RateBucketFile.Memory()
    var isOnDisk = false
  }

  /// Held while the file is used, which may take waiting for other processes; `state` never is.
  private let turn = Mutex(())
  private let state: Mutex<State>
  /// In a row, that named no time, each after the pause of the one before.
  private let refusals = Atomic(0)
  private let file: RateBucketFile?
  private let warn: @Sendable (String) -> Void

  init(_ file: RateBucketFile? = nil, warn: @escaping @Sendable (String) -> Void = { _ in }) {
    self.file = file
    self.warn = warn
    state = Mutex(State(isOnDisk: file != nil))
  }

  /// Lets `body` use and change the bucket, as all that share it have left it.
  func update<Value: Sendable>(_ body: (inout RateBucket) -> Value) -> Value {
    guard let file else { return state.withLock { body(&$0.memory.bucket) } }
    let (value, failure) = turn.withLock { _ in
      var memory = state.withLock { $0.memory }
      let (value, failure) = file.update(&memory, body)
      state.withLock { $0 = State(memory: memory, isOnDisk: failure == nil) }
      return (value, failure)
    }
    if let failure { warn("\(failure)") }
    return value
  }

  /// A copy to look at; whoever asks waits for nobody.
  func glance() -> (bucket: RateBucket, isOnDisk: Bool) {
    let known = state.withLock { $0 }
    return (file?.glance(known.memory) ?? known.memory.bucket, known.isOnDisk)
  }

  func pause(milliseconds: Int) {
    update { $0.pause(until: MonotonicTime.now.adding(milliseconds: milliseconds)) }
  }

  /// A pause after a refusal that names no time. Who is refused while there is one shares it.
  ///
  /// - Returns: its milliseconds.
  func backOff(atMost maximumMilliseconds: Int) -> Int {
    update { bucket in
      let now = MonotonicTime.now
      if !bucket.isPaused(at: now) {
        let doublings = min(refusals.wrappingAdd(1, ordering: .relaxed).oldValue, 20)
        let pause = min(1_000 << doublings, maximumMilliseconds)
        bucket.pause(until: now.adding(milliseconds: pause))
      }
      return bucket.resumption(now: now).milliseconds(since: now)
    }
  }

  func forgetRefusals() { refusals.store(0, ordering: .relaxed) }

  /// When the pause is over, as far as this process knows.
  func resumption(now: MonotonicTime) -> MonotonicTime {
    state.withLock { $0.memory.bucket.resumption(now: now) }
  }

  /// As far as this process knows.
  var isIdle: Bool { state.withLock { $0.memory.bucket.isIdle(now: .now) } }
}
