import Basics
import BitdefenderGravityZone
import CODAFootprint
import Dispatch
import FileStore
import Glibc
import Gmail
import HTTP
import IntegrationKit
import JSON
import RateLimits
import Redaction

@testable import Engine

/// Files that a host reads at start and that another program may have changed.
enum StateFiles {
  private struct NoTransport: Transport {
    func send(
      _ request: HTTPRequest, through route: TransportRoute, deadline: Deadline
    ) async throws(TransportError) -> HTTPResponse { fatalError("a request while loading") }
  }

  private static let catalogue = Catalogue(
    [
      RegisteredIntegration(BitdefenderGravityZone.self), RegisteredIntegration(CODAFootprint.self),
      RegisteredIntegration(Gmail.self),
    ], hash: "sha256:0")
  private static let log = Log(level: .error, descriptor: -1) { $0 }

  static func connections(_ input: UnsafeBufferPointer<UInt8>) {
    let content = Array(input)
    let secrets = Redactor()
    let store = ConnectionStore(
      catalogue,
      ConnectionEnvironment(
        transport: NoTransport(), secrets: secrets, log: log,
        files: FileStore(createdOnDemand: FuzzTarget.directory + "/files")))
    do throws(ConfigurationError) {
      try store.load(content, named: "connections.json")
    } catch {
      check("\(error)".utf8.count <= content.count * 64 + 10_000, "the error is too long")
    }
    change(content)
  }

  /// Changes a setting in a file, as for a new refresh token.
  private static func change(_ content: [UInt8]) {
    guard
      let name = (try? JSON.parse(content))?["connections"]?.members.first(where: { _ in true })?
        .name.string
    else { return }
    let path = FuzzTarget.directory + "/connections.json"
    write(content, to: path)
    let file = ConnectionsFile(path)
    let done = DispatchSemaphore(value: 0)
    Task {
      if (try? await file.set("refresh_token", of: name, to: "n\u{e9}w\"")) != nil {
        let new = try? FileDescriptor.readFile(path, limit: 1 << 24)
        let settings = new.flatMap { try? JSON.parse($0) }?["connections"]?[name]?["settings"]
        let token = settings?["refresh_token"]
        check(
          token?.equals("n\u{e9}w\"") == true || token?.kind == .object,
          "the setting is not in the file")
      }
      done.signal()
    }
    done.wait()
  }

  private static func write(_ content: [UInt8], to path: String) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    check(descriptor >= 0 && FileDescriptor.writeAll(content, to: descriptor) == 0, "no file")
    close(descriptor)
  }

  static func ledger(_ input: UnsafeBufferPointer<UInt8>) {
    let content = Array(input)
    let path = FuzzTarget.directory + "/ledger.jsonl"
    write(content, to: path)
    guard var file = try? LedgerFile(path) else { fatalError("the ledger cannot be opened") }
    var records: [LedgerRecord] = []
    guard let invalid = try? file.readNew({ records += $0 }) else {
      fatalError("the ledger cannot be read")
    }
    let lines = content.split(separator: 0x0A, omittingEmptySubsequences: false).count
    check(records.count + invalid <= lines, "\(records.count) records in \(lines) lines")
    var read = 0
    check((try? file.readNew { read += $0.count }) == 0 && read == 0, "a line is read twice")
    for record in records { check(isKept(record), "a record changes when it is written again") }
  }

  private static func isKept(_ record: LedgerRecord) -> Bool {
    var writer = JSONWriter()
    record.write(to: &writer)
    let line = writer.bytes.dropLast()
    guard !line.contains(0x0A), let again = line.withUnsafeBytes({ LedgerRecord(line: $0) }) else {
      return false
    }
    guard (again.name, again.call, again.time) == (record.name, record.call, record.time) else {
      return false
    }
    switch (record.end, again.end) {
    case (.started, .started), (.unknown, .unknown), (.notApplied, .notApplied): return true
    // A damaged result is written as unknown.
    case (.done(let result), .unknown): return result.fragment == nil
    case (.done(let one), .done(let other)): return one.fragment?.bytes == other.fragment?.bytes
    default: return false
    }
  }

  /// The words of a rate limit's file, then what connections do with the bucket.
  static func rates(_ input: UnsafeBufferPointer<UInt8>) {
    let bytes = UnsafeRawBufferPointer(input)
    var words = (0..<input.count / 8).map {
      bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self)
    }
    // Most numbers are far outside the ranges of the first ones.
    for (position, limit) in [(3, Int64(4_097)), (4, 31_536_000_000_000_001), (5, 40)]
    where position < words.count && words[position] >= 0 {
      words[position] %= limit
    }
    let now = MonotonicTime(nanoseconds: 86_400_000_000_000)
    let latest = now.adding(milliseconds: 7_200_000)
    guard var bucket = RateBucket(words: words[...], latest: latest) else { return }
    let limit = RateLimit(requests: Int(input.seed % 50) + 1, perSeconds: 2.5)
    check((0...limit.requests).contains(bucket.available(within: limit, now: now)), "available")
    let due = bucket.reserve(within: limit, now: now)
    if due > now { _ = bucket.resume(due, within: limit, now: due) }
    _ = bucket.due(ofNext: 100, within: limit, now: now)
    _ = (bucket.isIdle(now: now), bucket.longestMilliseconds, bucket.resumption(now: now))
    check(bucket.words.count <= words.count + 8, "a file of another size")
    _ = RateBucket(words: bucket.words[...], latest: MonotonicTime(nanoseconds: .max))
  }
}
