import Basics
import Glibc

/// A rate bucket on disk, for all processes of a user on this machine.
///
/// It is opened, locked, read and written for each reservation: what a process remembers of it is
/// never enough. Where the file cannot be used that is all there is, and it is brought back into the
/// file when that can be used again. The name is another one after each start of the machine, whose
/// monotonic clock then begins anew, and on each machine that shares the directory.
struct RateBucketFile: Sendable {
  /// Milliseconds after which an idle file is removed: a day.
  private static let keptMilliseconds: Int64 = 86_400_000
  /// Milliseconds that a place or a pause can be ahead; what is later is not believed.
  private static let maximumAheadMilliseconds = 2 * RateLimiter.maximumWaitMilliseconds
  /// Marks the format and its version; then come a checksum, the boot id, the origin and the
  /// bucket's words.
  private static let format: Int64 = 0x7361_6C6C_7072_3033
  private static let headerWords = 5
  /// Milliseconds that a process waits for another one that holds the file, which takes it less than
  /// one unless it was stopped in the middle.
  private static let patienceMilliseconds = 2_000
  private static let maximumBytes = (RateBucket.maximumWords + headerWords) * 8

  let directory: String
  let name: String
  let boot: BootID

  /// What a process knows of a file.
  struct Memory: Sendable {
    var bucket = RateBucket()
    /// Of the content that all of `bucket` is in; nil when some of it is in no file.
    fileprivate(set) var origin: Int64?
    /// Another process has held the file for longer than one waits; no more time is lost on it before
    /// it lets go.
    fileprivate var isStalled = false
  }

  private struct Content: Equatable {
    /// Drawn anew when a file begins anew, without what was in it before.
    var origin: Int64
    var bucket: RateBucket
  }

  private var path: String { "\(directory)/\(name)" }

  /// Reads the bucket, lets `body` use it, and writes it when it was changed; no other process does
  /// so meanwhile, other threads must be kept out by the caller.
  ///
  /// - Parameter memory: what this process remembers, brought up to date.
  /// - Returns: what `body` returned, and why the file could not be used.
  func update<Value>(
    _ memory: inout Memory, _ body: (inout RateBucket) -> Value
  ) -> (value: Value, failure: FileError?) {
    let descriptor: Int32
    do throws(FileError) {
      descriptor = try openLocked(waiting: memory.isStalled ? 0 : Self.patienceMilliseconds)
      memory.isStalled = false
    } catch {
      memory.origin = nil
      memory.isStalled = error.code == EWOULDBLOCK
      return (body(&memory.bucket), error)
    }
    // Closing it unlocks it.
    defer { close(descriptor) }
    let (bytes, isNew) = read(descriptor)
    let before = bytes.flatMap(decode)
    var content = Self.content(of: before, memory)
    let value = body(&content.bucket)
    memory.bucket = content.bucket
    var code: Int32 = 0
    if content.bucket != before?.bucket ?? RateBucket() {
      code = write(encode(content), over: bytes?.count ?? 0, to: descriptor)
    }
    memory.origin = code == 0 ? content.origin : nil
    if isNew { removeOldFiles() }
    return (value, code == 0 ? nil : FileError(path: path, code: code))
  }

  /// The bucket as it stands, without waiting for anybody: not from a file that is being written.
  func glance(_ memory: Memory) -> RateBucket {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return memory.bucket }
    defer { close(descriptor) }
    return Self.content(of: read(descriptor).bytes.flatMap(decode), memory).bucket
  }

  /// What is in the file, and what is only in memory.
  private static func content(of file: Content?, _ memory: Memory) -> Content {
    guard var file else {
      return Content(origin: .random(in: .min ... .max), bucket: memory.bucket)
    }
    if file.origin != memory.origin { file.bucket.merge(memory.bucket) }
    return file
  }

  // MARK: The file

  private func openLocked(waiting milliseconds: Int) throws(FileError) -> Int32 {
    let latest = MonotonicTime.now.adding(milliseconds: milliseconds)
    var pause: UInt32 = 50
    while true {
      var descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
      if descriptor < 0 && errno == ENOENT {
        try PrivateDirectory.make(directory)
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
      }
      guard descriptor >= 0 else { throw FileError(path: path, code: errno) }
      while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
        let code = errno
        if code == EINTR { continue }
        guard code == EWOULDBLOCK, MonotonicTime.now < latest else {
          close(descriptor)
          throw FileError(path: path, code: code)
        }
        usleep(pause)
        pause = min(2 * pause, 2_000)
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
    // Room first: a full disk would leave a torn file.
    if bytes.count > oldCount {
      let code = posix_fallocate(descriptor, 0, off_t(bytes.count))
      if code != 0 {
        ftruncate(descriptor, off_t(oldCount))
        return code
      }
    }
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
    let age = WallClock.nowMilliseconds - Int64(status.st_mtim.tv_sec) * 1_000
    guard age > Self.keptMilliseconds, flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { return }
    let words = read(descriptor).bytes.flatMap(Self.words) ?? []
    // Another machine's clock is not known, but how long its places can hold back.
    let isIdle =
      isOurs(words)
      ? bucket(words)?.isIdle(now: .now)
      : bucket(words).map { age > Int64(Self.maximumAheadMilliseconds + $0.longestMilliseconds) }
    if isIdle ?? true { unlink(path) }
  }

  // MARK: The format

  private func encode(_ content: Content) -> [UInt8] {
    let content = [boot.high, boot.low, content.origin] + content.bucket.words
    let words = [Self.format, Self.checksum(content[...])] + content
    return words.withUnsafeBytes { Array($0) }
  }

  private func decode(_ bytes: [UInt8]) -> Content? {
    guard let words = Self.words(bytes), isOurs(words), let bucket = bucket(words) else {
      return nil
    }
    return Content(origin: words[4], bucket: bucket)
  }

  private func isOurs(_ words: [Int64]) -> Bool {
    words.count > Self.headerWords && words[2] == boot.high && words[3] == boot.low
  }

  private func bucket(_ words: [Int64]) -> RateBucket? {
    let latest = MonotonicTime.now.adding(milliseconds: Self.maximumAheadMilliseconds)
    return RateBucket(words: words.dropFirst(Self.headerWords), latest: latest)
  }

  /// Nil for what nobody has written so, or only a part of it.
  private static func words(_ bytes: [UInt8]) -> [Int64]? {
    let words = bytes.withUnsafeBytes { raw in
      (0..<raw.count / 8).map { raw.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self) }
    }
    guard bytes.count.isMultiple(of: 8), words.count > headerWords, words[0] == format,
      words[1] == checksum(words[2...])
    else { return nil }
    return words
  }

  /// FNV-1a, a word at a time: it finds a torn file, nothing more is asked of it.
  private static func checksum(_ words: ArraySlice<Int64>) -> Int64 {
    Int64(
      bitPattern: words.reduce(0xCBF2_9CE4_8422_2325) { hash, word in
        (hash ^ UInt64(bitPattern: word)) &* 0x100_0000_01B3
      })
  }
}
