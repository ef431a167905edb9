import Basics
import Crypto
import Synchronization

/// The rate buckets of a process that belong to API keys rather than to connections.
///
/// They are also files in a directory, which the other processes of the user share. Nothing is created
/// or read before the first bucket is used.
package final class SharedRateLimits: Sendable {
  /// Buckets that are kept; beyond, idle ones are dropped.
  private static let usualBuckets = 1_024

  private let directory: LazyValue<String?>
  private let boot: BootID?
  private let log: Log?
  private let time: TimeSource
  private let buckets = Mutex<[String: SharedRateBucket]>([:])
  private let hasWarned = Atomic(false)

  /// - Parameter directory: called on first use; nil for limits in this process only.
  package convenience init(log: Log?, directory: @escaping @Sendable () -> String?) {
    self.init(log: log, boot: nil, directory: directory)
  }

  init(
    log: Log?, boot: BootID?, on time: TimeSource = .system,
    directory: @escaping @Sendable () -> String?
  ) {
    self.log = log
    self.time = time
    self.boot = boot
    self.directory = LazyValue(directory)
  }

  /// Limits in this process only.
  package static var inProcess: SharedRateLimits { SharedRateLimits(log: nil) { nil } }

  /// The bucket of that name that belongs to an identity.
  func bucket(_ name: String, of identity: String) -> SharedRateBucket {
    let key = "\(identity)\n\(name)"
    return buckets.withLock { buckets in
      if let known = buckets[key] { return known }
      if buckets.count >= Self.usualBuckets { buckets = buckets.filter { !$0.value.isIdle } }
      let bucket = SharedRateBucket(
        on: time, file: { [weak self] in self?.file(for: key) },
        warn: { [weak self] in self?.warn($0) })
      buckets[key] = bucket
      return bucket
    }
  }

  /// A hash, so that nothing of a key reaches the disk; nil without libcrypto.
  static func fileName(for key: String, _ boot: BootID) -> String? {
    try? Digest.hex(.sha256, Array("\(boot.text)\n\(key)".utf8))
  }

  /// Blocks: it may read the boot id and load libcrypto.
  private func file(for key: String) -> RateBucketFile? {
    guard let directory = directory.value else {
      warn("there is no directory for them; set XDG_STATE_HOME or HOME, or use --state-dir")
      return nil
    }
    guard let boot = boot ?? BootID.current else {
      warn("the boot id of this machine cannot be read")
      return nil
    }
    do throws(FileError) {
      try TrustedFile.checkDirectory(directory)
    } catch {
      // A missing directory is created with the first file.
      if error.isRefusal {
        warn("\(error)")
        return nil
      }
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
