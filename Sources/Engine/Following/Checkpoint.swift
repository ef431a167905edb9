import Basics
import Glibc
import IntegrationKit
import JSON

/// The position of a follower on disk, below `--state-dir`, and the lock of its only follower.
///
/// The lock is on another file, because the position replaces its file. Everything here blocks.
final class Checkpoint: Sendable {
  /// Below the state directory.
  private static let directory = "followers"
  private static let maximumBytes = 16 * 1_024 * 1_024
  private static let version = 1

  /// What the events belong to. A checkpoint is valid for one source.
  struct Source: Sendable {
    let integration: String
    let command: String
    /// Nil for an inline connection.
    let connection: String?

    fileprivate func isEqual(to json: JSON) -> Bool {
      json["integration"]?.string == integration && json["command"]?.string == command
        && json["connection"]?.string == connection
    }
  }

  private let path: String
  private let source: Source
  /// Closing it releases the lock.
  private let lock: Int32
  /// As it was when the checkpoint was opened; nil if it is new.
  let position: FeedPosition?

  /// - Throws: `unavailable` if another follower has it, or it cannot be used.
  init(_ name: String, of source: Source, in stateDirectory: String) throws(CommandError) {
    let directory = "\(stateDirectory)/\(Self.directory)"
    path = "\(directory)/\(name).json"
    self.source = source
    do throws(FileError) {
      try PrivateDirectory.make(directory)
      lock = try TrustedFile.openForWriting("\(directory)/\(name).lock", O_RDWR)
    } catch {
      throw .unusableCheckpoint(name, "\(error)")
    }
    do throws(CommandError) {
      let code = FileLock.tryLock(lock)
      guard code != EWOULDBLOCK else {
        throw CommandError(
          .unavailable, "The checkpoint \(name) is in use by another follower.",
          isRetryable: true, remedy: "Stop the other follower, or use another name.")
      }
      guard code == 0 else {
        throw .unusableCheckpoint(name, String(cString: strerror(code)))
      }
      position = try Self.read(path, name, source)
    } catch {
      close(lock)
      throw error
    }
  }

  deinit { close(lock) }

  /// Lets another follower have it. Must be called when nothing is stored any more.
  ///
  /// Before the end is answered: references to this object may live longer.
  func release() { FileLock.unlock(lock) }

  private static func read(
    _ path: String, _ name: String, _ source: Source
  ) throws(CommandError) -> FeedPosition? {
    let content: TrustedFile.Content
    do throws(FileError) {
      content = try TrustedFile.read(path, limit: maximumBytes)
    } catch {
      if error.code == ENOENT { return nil }
      throw .unusableCheckpoint(name, "\(error)")
    }
    guard let json = try? JSON.parse(content.bytes), json["version"]?.integer == Int64(version),
      let position = FeedPosition(json)
    else { throw .unusableCheckpoint(name, "\(path) is not a checkpoint") }
    guard source.isEqual(to: json) else {
      throw CommandError(
        .validation, "The checkpoint \(name) belongs to another command or connection.",
        remedy: "Use another name for each source.")
    }
    return position
  }

  /// Replaces the position. It is on the disk afterwards.
  func write(_ position: FeedPosition) throws(FileError) {
    let content = JSONFragment { writer in
      writer.object { writer in
        writer.member("version", Self.version)
        writer.member("integration", source.integration)
        writer.member("command", source.command)
        writer.member(ifPresent: "connection", source.connection)
        position.write(to: &writer)
      }
    }
    try FileDescriptor.replaceFile(path, with: content.bytes + [UInt8(ascii: "\n")])
  }
}

extension CommandError {
  fileprivate static func unusableCheckpoint(_ name: String, _ reason: String) -> CommandError {
    CommandError(
      .unavailable, "The checkpoint \(name) cannot be used: \(reason).",
      remedy: "Check the state directory, or use another name.")
  }
}
