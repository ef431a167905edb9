import Basics
import Glibc
import HTTP

/// A rate bucket on disk, for all processes of a user on this machine.
///
/// It is opened, locked, read and written for each reservation: what a process remembers of it is
/// never enough. A torn file counts as empty, and so does one from before the last start of the
/// machine, whose monotonic clock began anew.
struct RateBucketFile: Sendable {
  /// Milliseconds after which an idle file is removed: a day.
  private static let keptMilliseconds: Int64 = 86_400_000
  /// Milliseconds that a place or a pause can be ahead; what is later is not believed.
  private static let maximumAheadMilliseconds = 2 * InvocationDeadline.maximumWaitMilliseconds
  /// Marks the format and its version; then come a checksum, the boot id and the bucket's words.
  private static let format: Int64 = 0x7361_6C6C_7072_3031
  private static let headerWords = 4
  private static let maximumBytes = (RateBucket.maximumPlaces + 16) * 8

  let directory: String
  let name: String
  let boot: BootID

  private var path: String { "\(directory)/\(name)" }

  /// Reads the bucket, lets `body` use it, and writes it when it was changed; no other process does
  /// so meanwhile, other threads must be kept out by the caller.
  ///
  /// - Parameter memory: what this process remembers, brought up to date; it stands in where the
  ///   file cannot be used.
  /// - Returns: what `body` returned, and why the file could not be used.
  func update<Value>(
    _ memory: inout RateBucket, _ body: (inout RateBucket) -> Value
  ) -> (value: Value, failure: FileError?) {
    let descriptor: Int32
    do throws(FileError) {
      descriptor = try openLocked()
    } catch {
      return (body(&memory), error)
    }
    // Closing it unlocks it.
    defer { close(descriptor) }
    let (bytes, isNew) = read(descriptor)
    var bucket = bytes.flatMap(decode) ?? RateBucket()
    let before = bucket
    let value = body(&bucket)
    memory = bucket
    guard bucket != before else { return (value, nil) }
    let code = write(encode(bucket), over: bytes?.count ?? 0, to: descriptor)
    if isNew { removeOldFiles() }
    return (value, code == 0 ? nil : FileError(path: path, code: code))
  }

  // MARK: The file

  private func openLocked() throws(FileError) -> Int32 {
    while true {
      var descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
      if descriptor < 0 && errno == ENOENT {
        try PrivateDirectory.make(directory)
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
      }
      guard descriptor >= 0 else { throw FileError(path: path, code: errno) }
      while flock(descriptor, LOCK_EX) != 0 {
        let code = errno
        if code == EINTR { continue }
        close(descriptor)
        throw FileError(path: path, code: code)
      }
      var status = stat()
      // One that was removed while this process waited for the lock is nobody else's any more.
      if fstat(descriptor, &status) == 0, status.st_nlink > 0 { return descriptor }
      close(descriptor)
    }
  }

  /// The bytes, nil when they cannot be a bucket's, and whether the file has just been made.
  private func read(_ descriptor: Int32) -> (bytes: [UInt8]?, isNew: Bool) {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_size <= Self.maximumBytes else {
      return (nil, false)
    }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    let count = pread(descriptor, &bytes, bytes.count, 0)
    return (count == bytes.count ? bytes : nil, bytes.isEmpty)
  }

  private func write(_ bytes: [UInt8], over oldCount: Int, to descriptor: Int32) -> Int32 {
    lseek(descriptor, 0, SEEK_SET)
    let code = FileDescriptor.writeAll(bytes, to: descriptor)
    if code == 0, ftruncate(descriptor, off_t(bytes.count)) != 0 { return errno }
    return code
  }

  /// Those that nobody has used for a day and that hold nothing back.
  private func removeOldFiles() {
    guard let listing = opendir(directory) else { return }
    defer { closedir(listing) }
    while let entry = readdir(listing) {
      let other = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard other != name, other.utf8.count == name.utf8.count,
        other.allSatisfy(\.isHexDigit)
      else { continue }
      RateBucketFile(directory: directory, name: other, boot: boot).removeIfOld()
    }
  }

  private func removeIfOld() {
    let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return }
    let touched = Int64(status.st_mtim.tv_sec) * 1_000
    guard WallClock.nowMilliseconds - touched > Self.keptMilliseconds,
      flock(descriptor, LOCK_EX | LOCK_NB) == 0
    else { return }
    let bucket = read(descriptor).bytes.flatMap(decode)
    if bucket?.isIdle(now: .now) ?? true { unlink(path) }
  }

  // MARK: The format

  private func encode(_ bucket: RateBucket) -> [UInt8] {
    let content = [boot.high, boot.low] + bucket.words
    let words = [Self.format, Self.checksum(content[...])] + content
    return words.withUnsafeBytes { Array($0) }
  }

  private func decode(_ bytes: [UInt8]) -> RateBucket? {
    let words = bytes.withUnsafeBytes { raw in
      (0..<raw.count / 8).map { raw.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self) }
    }
    guard bytes.count.isMultiple(of: 8), words.count > Self.headerWords, words[0] == Self.format,
      words[1] == Self.checksum(words[2...]), words[2] == boot.high, words[3] == boot.low
    else { return nil }
    let latest = MonotonicTime.now.adding(milliseconds: Self.maximumAheadMilliseconds)
    return RateBucket(words: words[Self.headerWords...], latest: latest)
  }

  /// FNV-1a, a word at a time: it finds a torn file, nothing more is asked of it.
  private static func checksum(_ words: ArraySlice<Int64>) -> Int64 {
    Int64(
      bitPattern: words.reduce(0xCBF2_9CE4_8422_2325) { hash, word in
        (hash ^ UInt64(bitPattern: word)) &* 0x100_0000_01B3
      })
  }
}

/// The start of the machine that the monotonic clock counts from.
struct BootID: Sendable, Equatable {
  let high: Int64
  let low: Int64

  static let current: BootID? = {
    guard
      let bytes = try? FileDescriptor.readFile("/proc/sys/kernel/random/boot_id", limit: 256)
    else { return nil }
    return BootID(String(decoding: bytes, as: UTF8.self))
  }()

  /// From a UUID.
  init?(_ text: String) {
    let digits = text.filter(\.isHexDigit)
    guard digits.count == 32, let high = UInt64(digits.prefix(16), radix: 16),
      let low = UInt64(digits.suffix(16), radix: 16)
    else { return nil }
    self.high = Int64(bitPattern: high)
    self.low = Int64(bitPattern: low)
  }
}

enum PrivateDirectory {
  /// Makes a directory and those above it that are missing, for this user alone.
  static func make(_ path: String) throws(FileError) {
    if mkdir(path, 0o700) == 0 { return }
    let code = errno
    if code == EEXIST { return }
    let parent = path.split(separator: "/").dropLast().joined(separator: "/")
    guard code == ENOENT, !parent.isEmpty else { throw FileError(path: path, code: code) }
    try make((path.hasPrefix("/") ? "/" : "") + parent)
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
      throw FileError(path: path, code: errno)
    }
  }
}
