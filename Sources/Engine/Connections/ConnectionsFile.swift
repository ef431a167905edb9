import Basics
import Glibc
import IntegrationKit
import JSON

/// A connections file, in which what a vendor issues anew, such as a refresh token, takes the place
/// of the old.
final class ConnectionsFile: Sendable {
  private let path: String
  private let turn = TaskSemaphore(1)

  init(_ path: String, setMilliseconds: Int = ConnectionsFile.setMilliseconds) {
    self.path = path
    self.setMilliseconds = setMilliseconds
  }

  /// Why a setting was not kept; without any of its value.
  struct Fault: Error {
    let reason: String

    init(_ reason: String) { self.reason = reason }
    init(_ error: FileError) { reason = "\(error)" }
  }

  /// Milliseconds that a change may take, most of them for the lock of another process. What a
  /// vendor has issued anew counts for the next start too, so no caller's deadline ends it.
  static let setMilliseconds = 10_000

  private let setMilliseconds: Int

  /// Changes one setting of a connection; the rest of the file stays as it is, byte for byte. A
  /// setting that refers to a file is changed in that file.
  ///
  /// The file is read again, so that edits made since the start are kept.
  func set(_ setting: String, of connection: String, to value: String) async throws(Fault) {
    let deadline = Deadline(inMilliseconds: setMilliseconds)
    guard await turn.acquire(until: deadline) else { throw Fault(Self.busy) }
    defer { turn.release() }
    let path = path
    let directory = try await Self.blocking(deadline) { () throws(Fault) in
      try LockedDirectory(of: path)
    }
    do throws(FileLock.Failure) {
      try await FileLock.lock(directory.descriptor, until: deadline)
    } catch {
      switch error {
      case .busy, .held, .cancelled: throw Fault(Self.busy)
      case .system(let code): throw Fault(FileError(path: directory.path, code: code))
      }
    }
    try await Self.blocking(deadline) { () throws(Fault) in
      // Until then the lock is held, also when nobody waits for this any more.
      try withExtendedLifetime(directory) { () throws(Fault) in
        try Self.set(setting, of: connection, to: value, in: directory.file)
      }
    }
  }

  private static let busy = "another process changes it for too long"

  private static func blocking<Value: Sendable>(
    _ deadline: Deadline, _ body: @escaping @Sendable () throws(Fault) -> Value
  ) async throws(Fault) -> Value {
    let result: Result<Value, Fault>
    do throws(BlockingWork.Interruption) {
      result = try await BlockingWork.state.run(until: deadline) {
        Result { () throws(Fault) in try body() }
      }
    } catch {
      throw Fault(CommandError(error, of: "Changing the connections file").message)
    }
    return try result.get()
  }

  /// Why `set` would fail, as far as one can tell before; nil when nothing stands against it.
  /// Blocks.
  func obstacle(toSetting setting: String, of connection: String) -> String? {
    do throws(Fault) {
      guard let resolved = realpath(path, nil) else {
        throw Fault(FileError(path: path, code: errno))
      }
      defer { free(resolved) }
      let path = String(cString: resolved)
      let (_, settings) = try Self.read(path, connection)
      let changed = try Self.file(holding: settings[setting]) ?? path
      var status = stat()
      if lstat(changed, &status) == 0, status.st_mode & S_IFMT == S_IFLNK {
        throw Fault(FileError.link(changed))
      }
      // A new file in the same directory replaces it.
      let directory = changed.lastIndex(of: "/").map { String(changed[...$0]) } ?? "."
      guard access(directory, W_OK) == 0 else {
        throw Fault(FileError(path: directory, code: errno))
      }
      return nil
    } catch {
      return error.reason
    }
  }

  // MARK: Exchanging

  /// The value of a setting as the file has it now, or the file that it refers to; nil if it is in
  /// neither.
  func value(of setting: String, of connection: String) async -> String? {
    let path = path
    let deadline = Deadline(inMilliseconds: setMilliseconds)
    let value = try? await Self.blocking(deadline) { () throws(Fault) -> String? in
      let settings = try Self.read(path, connection).settings
      guard let file = try Self.file(holding: settings[setting]) else {
        return settings[setting]?.string
      }
      do throws(FileError) {
        let limit = ConnectionStore.maximumFileBytes
        let content = try TrustedFile.read(file, limit: limit, deadline: deadline).bytes
        return String(decoding: content, as: UTF8.self)
      } catch {
        throw Fault(error)
      }
    }
    let token = value.flatMap { $0 }.map { SecretText.trimmed($0).prefix { !$0.isNewline } }
    return token.flatMap { $0.isEmpty ? nil : String($0) }
  }

  /// Locks a setting of a connection against other processes that exchange it. `set` may be called
  /// meanwhile.
  ///
  /// Locks nothing where a new value could not be stored either.
  ///
  /// - Returns: releases the lock.
  func lock(
    _ setting: String, of connection: String, until deadline: Deadline
  ) async throws(CommandError) -> @Sendable () async -> Void {
    let path = path
    let place = try? await Self.blocking(deadline) { () throws(Fault) in
      try Self.lockPath(of: setting, connection, in: path)
    }
    guard let place, let lock = try await SettingLock.acquire(place, setting, until: deadline)
    else { return {} }
    return { await lock.release() }
  }

  /// Next to the file with the value.
  private static func lockPath(
    of setting: String, _ connection: String, in path: String
  ) throws(Fault) -> String {
    if let file = try file(holding: try read(path, connection).settings[setting]) {
      return try resolved(file) + ".lock"
    }
    // Equal starts of long names share a lock.
    return try resolved(path) + "." + PercentEncoding.encode(connection).prefix(100) + ".lock"
  }

  private static func resolved(_ path: String) throws(Fault) -> String {
    guard let resolved = realpath(path, nil) else {
      throw Fault(FileError(path: path, code: errno))
    }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// The directory of the file, to be locked against other processes that change the file: the file
  /// itself is replaced. Unlocked when nothing uses it any more.
  private final class LockedDirectory: Sendable {
    /// Of a link, what it leads to is replaced.
    let file: String
    let path: String
    let descriptor: Int32

    init(of path: String) throws(Fault) {
      do throws(FileError) { try TrustedFile.check(path) } catch { throw Fault(error) }
      guard let resolved = realpath(path, nil) else {
        throw Fault(FileError(path: path, code: errno))
      }
      defer { free(resolved) }
      let file = String(cString: resolved)
      let directory = file.lastIndex(of: "/").map { String(file[...$0]) } ?? "."
      let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      guard descriptor >= 0 else { throw Fault(FileError(path: directory, code: errno)) }
      (self.file, self.path, self.descriptor) = (file, directory, descriptor)
    }

    deinit { close(descriptor) }
  }

  private static func set(
    _ setting: String, of connection: String, to value: String, in path: String
  ) throws(Fault) {
    let (content, settings) = try read(path, connection)
    if let file = try file(holding: settings[setting]) {
      try replace(file, with: Array("\(value)\n".utf8))
      return
    }
    let new = content.replacing(setting, in: settings, with: JSONFragment { $0.string(value) })
    guard self.settings(of: connection, in: new)?[setting]?.equals(value) == true else {
      throw Fault("\(path): the setting has no single place")
    }
    try replace(path, with: new)
  }

  private static func read(
    _ path: String, _ connection: String
  ) throws(Fault) -> (content: [UInt8], settings: JSON) {
    let content: [UInt8]
    do throws(FileError) {
      content = try TrustedFile.read(path, limit: ConnectionStore.maximumFileBytes).bytes
    } catch {
      throw Fault(error)
    }
    guard let settings = settings(of: connection, in: content) else {
      throw Fault("\(path): the connection is not there any more")
    }
    return (content, settings)
  }

  /// The file that a setting refers to; nil if the value is in the connections file.
  private static func file(holding setting: JSON?) throws(Fault) -> String? {
    guard let setting, setting.kind == .object else { return nil }
    guard let file = setting["$file"]?.string else {
      throw Fault("it is a reference to what only its owner can change")
    }
    return file
  }

  private static func settings(of connection: String, in content: [UInt8]) -> JSON? {
    let settings = (try? JSON.parse(content))?["connections"]?[connection]?["settings"]
    return settings?.kind == .object ? settings : nil
  }

  private static func replace(_ path: String, with bytes: [UInt8]) throws(Fault) {
    do throws(FileError) {
      try FileDescriptor.replaceFile(path, with: bytes)
    } catch {
      throw Fault(error)
    }
  }
}

extension [UInt8] {
  /// The text with a member's value replaced, or with that member as the first one, spaced like the
  /// one that was first.
  fileprivate func replacing(_ name: String, in object: JSON, with value: JSONFragment) -> [UInt8] {
    if let old = object[name] {
      let end = old.offset + old.withSource(\.count)
      return self[..<old.offset] + value.bytes + self[end...]
    }
    let start = object.offset + 1
    let space = self[start...].prefix { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
    let member = JSONFragment { $0.string(name) }.bytes + Array(": ".utf8) + value.bytes
    let isOnly = object.count == 0
    return self[..<start] + space + member + (isOnly ? [] : [UInt8(ascii: ",")]) + self[start...]
  }
}
