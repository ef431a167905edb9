import Foundation
import Glibc
import Testing

@testable import Basics

@Suite struct FileLockTests {
  /// Two descriptors of one file, as two processes have them.
  private func withTwo(_ body: (Int32, Int32) async throws -> Void) async rethrows {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    let (first, second) = (
      open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600), open(path, O_RDWR | O_CREAT | O_CLOEXEC)
    )
    #expect(first >= 0 && second >= 0)
    unlink(path)
    defer {
      close(first)
      close(second)
    }
    try await body(first, second)
  }

  @Test func `a free lock is taken at once, a held one is not`() async {
    await withTwo { first, second in
      #expect(FileLock.tryLock(first) == 0)
      #expect(FileLock.tryLock(second) == EWOULDBLOCK)
      FileLock.unlock(first)
      #expect(FileLock.tryLock(second) == 0)
    }
  }

  @Test func `a lock that stays held is given up at the deadline, not earlier`() async {
    await withTwo { first, second in
      #expect(FileLock.tryLock(first) == 0)
      let start = MonotonicTime.now
      await #expect(throws: FileLock.Failure.busy) {
        try await FileLock.lock(second, until: Deadline(inMilliseconds: 50))
      }
      #expect(MonotonicTime.now.milliseconds(since: start) >= 50)
    }
  }

  @Test func `a lock that is released is taken`() async throws {
    try await withTwo { first, second in
      #expect(FileLock.tryLock(first) == 0)
      async let lock: Void = FileLock.lock(second, until: Deadline(inMilliseconds: 60_000))
      await Task.pause(milliseconds: 30)
      FileLock.unlock(first)
      try await lock
      #expect(FileLock.tryLock(first) == EWOULDBLOCK)
    }
  }

  @Test func `a free lock is taken even after the deadline`() async throws {
    try await withTwo { first, _ in
      try await FileLock.lock(first, until: Deadline(inMilliseconds: -1))
    }
  }

  @Test func `cancellation ends the wait`() async {
    await withTwo { first, second in
      #expect(FileLock.tryLock(first) == 0)
      let waiting = Task { () -> FileLock.Failure? in
        do throws(FileLock.Failure) {
          try await FileLock.lock(second, until: Deadline(inMilliseconds: 600_000))
          return nil
        } catch {
          return error
        }
      }
      waiting.cancel()
      #expect(await waiting.value == .cancelled)
    }
  }

  @Test func `a descriptor that is none is an error of the system`() async {
    await #expect(throws: FileLock.Failure.system(code: EBADF)) {
      try await FileLock.lock(-1, until: Deadline(inMilliseconds: 1_000))
    }
  }
}
