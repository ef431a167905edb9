import Basics
import Glibc
import JSON
import Testing

@testable import Engine

@Suite struct LedgerFileTests {
  private let state = TemporaryState()

  private func record(_ name: String, _ end: LedgerRecord.End = .started) -> LedgerRecord {
    LedgerRecord(name: name, call: "0c", time: 1, end: end)
  }

  private func readNew(_ file: inout LedgerFile) throws -> (names: [String], invalid: Int) {
    var names: [String] = []
    let invalid = try file.readNew { names += $0.map(\.name) }
    return (names, invalid)
  }

  @Test func `a process reads what others have appended, and not its own records`() throws {
    var (first, second) = (try LedgerFile(state.ledger), try LedgerFile(state.ledger))
    try first.append([record("0a"), record("0b")])
    #expect(try readNew(&second) == (["0a", "0b"], 0))
    try second.append([record("0c")])
    #expect(try readNew(&second) == ([], 0))
    #expect(try readNew(&first) == (["0c"], 0))
    #expect(try readNew(&first) == ([], 0))
  }

  @Test func `invalid lines are counted once and hide no others`() throws {
    let long = String(repeating: "x", count: 300_000)
    state.write("\n\nnonsense\n{}\n\(long)\n\0\n")
    var file = try LedgerFile(state.ledger)
    #expect(try readNew(&file) == ([], 4))
    try file.append([record("0a")])
    var other = try LedgerFile(state.ledger)
    #expect(try readNew(&other) == (["0a"], 4))
    #expect(try readNew(&other) == ([], 0))
  }

  @Test func `half a line at the end harms no later record`() throws {
    state.write(#"{"key":"0a","call":"0c","time":1,"end":"star"#)
    var file = try LedgerFile(state.ledger)
    #expect(try readNew(&file) == ([], 1))
    try file.append([record("0b")])
    var other = try LedgerFile(state.ledger)
    #expect(try readNew(&other) == (["0b"], 1))
  }

  @Test func `a last line that misses only its end is a record for all`() throws {
    state.write(#"{"key":"0a","call":"0c","time":1,"end":"started"}"#)
    var file = try LedgerFile(state.ledger)
    #expect(try readNew(&file) == (["0a"], 0))
    try file.append([record("0b")])
    var other = try LedgerFile(state.ledger)
    #expect(try readNew(&other) == (["0a", "0b"], 0))
  }

  @Test func `lines are whole wherever the buffer ends`() throws {
    let records = (0..<3_000).map { record(String($0, radix: 16), .unknown) }
    var file = try LedgerFile(state.ledger)
    try file.append(records)
    #expect(try file.size() > 2 * 64 * 1_024)
    var other = try LedgerFile(state.ledger)
    #expect(try readNew(&other) == (records.map(\.name), 0))
  }

  @Test func `a replaced file is noticed, read anew and private`() throws {
    var (first, second) = (try LedgerFile(state.ledger), try LedgerFile(state.ledger))
    try first.append((0..<50).map { record(String($0, radix: 16)) })
    _ = try readNew(&second)
    let before = try second.size()
    #expect(try second.reopenIfReplaced() == nil)
    #expect(FileLock.tryLock(first.descriptor) == 0)
    try first.replace(with: [record("0a", .unknown)])
    #expect(try first.size() < before)
    #expect(try first.reopenIfReplaced() == nil)
    #expect(try second.reopenIfReplaced() == .compacted)
    #expect(FileLock.tryLock(second.descriptor) == EWOULDBLOCK, "the new file is locked, too")
    first.unlock()
    #expect(FileLock.tryLock(second.descriptor) == 0)
    #expect(try readNew(&second) == (["0a"], 0))
    #expect(try readNew(&first) == ([], 0))
    var status = stat()
    #expect(stat(state.ledger, &status) == 0 && status.st_mode & 0o777 == 0o600)
    #expect(access(state.ledger + ".new", F_OK) != 0)
  }

  @Test func `what a crash in a compaction left is no obstacle`() throws {
    var file = try LedgerFile(state.ledger)
    try file.append([record("0a")])
    close(open(state.ledger + ".new", O_CREAT | O_WRONLY, 0o644))
    try file.replace(with: [record("0a")])
    var other = try LedgerFile(state.ledger)
    #expect(try readNew(&other) == (["0a"], 0))
  }

  @Test func `a compaction that fails leaves the file as it was`() throws {
    var file = try LedgerFile(state.ledger)
    try file.append([record("0a")])
    // A directory is in the place of the temporary file.
    mkdir(state.ledger + ".new", 0o700)
    #expect(throws: FileError.self) { try file.replace(with: []) }
    var other = try LedgerFile(state.ledger)
    #expect(try readNew(&other) == (["0a"], 0))
    try file.append([record("0b")])
    #expect(try readNew(&other) == (["0b"], 0))
  }

  @Test func `a removed file is made anew`() throws {
    var file = try LedgerFile(state.ledger)
    try file.append([record("0a")])
    unlink(state.ledger)
    #expect(try file.reopenIfReplaced() == .removed)
    try file.append([record("0b")])
    #expect(state.lines.count == 1)
  }

  @Test func `it is not opened through a symbolic link`() throws {
    symlink("/dev/null", state.ledger)
    #expect(throws: FileError.self) { try LedgerFile(state.ledger) }
  }
}
