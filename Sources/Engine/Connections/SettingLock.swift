import Basics
import Glibc
import IntegrationKit

/// A lock file of one setting. It exists while a process holds it or waits for it.
final class SettingLock: Sendable {
  private let path: String
  private let descriptor: Int32

  private init(_ path: String, _ descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// Errors with which a new value of the setting could not be stored either: there is nothing to
  /// lock then.
  private static let readOnly = [EACCES, EPERM, EROFS, ENOENT, ENOTDIR, ENOSPC, EDQUOT]

  /// - Returns: nil if the directory is not writable.
  /// - Throws: `unavailable` if another process holds the lock until the deadline.
  static func acquire(
    _ path: String, _ setting: String, until deadline: Deadline
  ) async throws(CommandError) -> SettingLock? {
    while true {
      let opened = try await blocking(setting, deadline) { Self.opened(path) }
      let lock: SettingLock
      switch opened {
      case .success(let new): lock = new
      case .failure(let error) where readOnly.contains(error.code) && !error.isRefusal: return nil
      case .failure(let error):
        throw CommandError(
          .unavailable, "The lock of the \(setting) cannot be opened: \(error).",
          isRetryable: true, remedy: "Check the directory of the connections file.")
      }
      do throws(FileLock.Failure) {
        try await FileLock.lock(lock.descriptor, until: deadline)
      } catch {
        switch error {
        case .busy, .held: throw .lockIsHeld(setting)
        case .cancelled: throw .cancelled(outcome: .notApplied)
        // A file system without locks.
        case .system: return nil
        }
      }
      // The process that held it before has deleted the file, perhaps after this one opened it.
      if try await blocking(setting, deadline, { lock.isCurrent }) { return lock }
    }
  }

  private static func opened(_ path: String) -> Result<SettingLock, FileError> {
    Result { () throws(FileError) in
      SettingLock(path, try TrustedFile.openForWriting(path, O_RDWR))
    }
  }

  private static func blocking<Value: Sendable>(
    _ setting: String, _ deadline: Deadline, _ body: @escaping @Sendable () -> Value
  ) async throws(CommandError) -> Value {
    do throws(BlockingWork.Interruption) {
      return try await BlockingWork.state.run(until: deadline, body)
    } catch {
      throw error == .deadline
        ? .lockIsHeld(setting) : CommandError(error, of: "Locking the \(setting)")
    }
  }

  /// Whether others that open the path get this file.
  private var isCurrent: Bool {
    var own = stat()
    var other = stat()
    return fstat(descriptor, &own) == 0 && lstat(path, &other) == 0
      && own.st_dev == other.st_dev && own.st_ino == other.st_ino
  }

  func release() async {
    let path = path
    // Deleted while it is locked: who opens it before sees that it is not current.
    _ = try? await BlockingWork.state.run { unlink(path) }
    FileLock.unlock(descriptor)
  }
}
