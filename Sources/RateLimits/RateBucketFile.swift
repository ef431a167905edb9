import Basics
import Glibc

/// A rate bucket on disk, shared by all processes of a user on this machine.
///
/// It is opened, locked, read and written per use: the memory of one process is never enough. The name
/// changes with each boot, since the monotonic clock then starts anew, and differs per machine that
/// shares the directory.
struct RateBucketFile: Sendable {
  /// Milliseconds after which an idle file is removed: a day.
  private static let retentionMilliseconds: Int64 = 86_400_000
  /// Milliseconds that a reservation or a pause can be ahead; later times are not trusted.
  private static let maximumAheadMilliseconds = 2 * RateLimiter.maximumWaitMilliseconds
  /// Marks the format and its version. A checksum, the boot id, the origin and the bucket's words
  /// follow.
  private static let format: Int64 = 0x7361_6C6C_7072_3034
  private static let headerWords = 5
  private static let maximumBytes = (RateBucket.maximumWords + headerWords) * 8

  let directory: String
  let name: String
  let boot: BootID

  struct Content: Sendable {
    /// Random, new with each file that starts without earlier content.
    var origin: Int64
    var bucket: RateBucket
  }

  /// The outcome of one attempt to use the file.
  enum Attempt: Sendable {
    /// `change` was applied; with the reason if its result could not be written.
    case used(failure: FileError?)
    /// Another process holds the lock. Nothing was applied.
    case busy(OpenFile)
    /// Nothing was applied.
    case unusable(FileError)
  }

  /// An open file, closed and unlocked when it is dropped.
  final class OpenFile: Sendable {
    let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }
    deinit { close(descriptor) }
  }

  private var path: String { "\(directory)/\(name)" }

  // MARK: Use

  /// Reads the content, replaces it by what `change` returns, and writes it, in one lock. Never waits
  /// for the lock.
  ///
  /// - Parameters:
  ///   - locked: the file of a `busy` attempt, after its lock was acquired.
  ///   - change: gets nil if the file holds no valid content; returns nil to leave it as it is.
  func use(_ locked: OpenFile?, _ change: (Content?) -> Content?) -> Attempt {
    var locked = locked
    while true {
      let file: OpenFile
      if let known = locked {
        file = known
      } else {
        do throws(FileError) {
          file = try open()
        } catch {
          return .unusable(error)
        }
        let code = FileLock.tryLock(file.descriptor)
        if code == EWOULDBLOCK { return .busy(file) }
        guard code == 0 else { return .unusable(FileError(path: path, code: code)) }
      }
      locked = nil
      var status = stat()
      guard fstat(file.descriptor, &status) == 0 else {
        return .unusable(FileError(path: path, code: errno))
      }
      // A file that was removed before it was locked is not the one that others use.
      guard status.st_nlink > 0 else { continue }
      do throws(FileError) {
        try TrustedFile.check(file.descriptor, path)
      } catch {
        return .unusable(error)
      }
      let size = Int(status.st_size)
      let bytes = read(file.descriptor, size: size)
      var code: Int32 = 0
      if let content = change(bytes.flatMap(decode)) {
        code = write(encode(content), over: bytes == nil ? 0 : size, of: size, to: file.descriptor)
      }
      if size == 0 { removeOldFiles() }
      return .used(failure: code == 0 ? nil : FileError(path: path, code: code))
    }
  }

  /// The content as it is, without a lock: nil while it is being written.
  func snapshot() -> Content? {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    return read(descriptor, size: Int(status.st_size)).flatMap(decode)
  }

  var isOnLocalFileSystem: Bool { FileSystem.isLocal(directory) }

  // MARK: The file

  private func open() throws(FileError) -> OpenFile {
    let flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW
    var descriptor = Glibc.open(path, flags, 0o600)
    if descriptor < 0 && errno == ENOENT {
      try PrivateDirectory.make(directory)
      descriptor = Glibc.open(path, flags, 0o600)
    }
    guard descriptor >= 0 else { throw FileError(path: path, code: errno) }
    return OpenFile(descriptor)
  }

  /// Nil for a size that no bucket has, and for a part of the file.
  private func read(_ descriptor: Int32, size: Int) -> [UInt8]? {
    guard (0...Self.maximumBytes).contains(size) else { return nil }
    var bytes = [UInt8](repeating: 0, count: size)
    return pread(descriptor, &bytes, size, 0) == size ? bytes : nil
  }

  /// - Parameters:
  ///   - readable: bytes of the old content that a failure must leave as they are.
  ///   - size: of the file.
  /// - Returns: 0 or an errno.
  private func write(
    _ bytes: [UInt8], over readable: Int, of size: Int, to descriptor: Int32
  ) -> Int32 {
    // The space first: a full disk would leave a torn file.
    if bytes.count > readable {
      let code = posix_fallocate(descriptor, 0, off_t(bytes.count))
      if code != 0 {
        ftruncate(descriptor, off_t(readable))
        return code
      }
    }
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { bytes in
        let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
        return pwrite(descriptor, rest.baseAddress, rest.count, off_t(written))
      }
      if count < 0 {
        if errno == EINTR { continue }
        return errno
      }
      written += count
    }
    if size > bytes.count, ftruncate(descriptor, off_t(bytes.count)) != 0 { return errno }
    return 0
  }

  /// Removes files that were not used for a day and hold nothing back.
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
    let descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return }
    let age = WallClock.nowMilliseconds - Int64(status.st_mtim.tv_sec) * 1_000
    guard age > Self.retentionMilliseconds, FileLock.tryLock(descriptor) == 0 else { return }
    let words = read(descriptor, size: Int(status.st_size)).flatMap(Self.words) ?? []
    // The clock of another machine is unknown, but not how long its reservations can hold back.
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

  /// Nil for another format, and for a part of a file.
  private static func words(_ bytes: [UInt8]) -> [Int64]? {
    let words = bytes.withUnsafeBytes { raw in
      (0..<raw.count / 8).map { raw.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self) }
    }
    guard bytes.count.isMultiple(of: 8), words.count > headerWords, words[0] == format,
      words[1] == checksum(words[2...])
    else { return nil }
    return words
  }

  /// FNV-1a, a word at a time. It only has to find torn files.
  private static func checksum(_ words: ArraySlice<Int64>) -> Int64 {
    Int64(
      bitPattern: words.reduce(0xCBF2_9CE4_8422_2325) { hash, word in
        (hash ^ UInt64(bitPattern: word)) &* 0x100_0000_01B3
      })
  }
}
