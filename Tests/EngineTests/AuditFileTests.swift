import Basics
import Glibc
import JSON
import Redaction
import Testing

@testable import Engine

@Suite struct AuditFileTests {
  private let state = TemporaryState()
  private var path: String { state.path + "/audit" }
  private let farDeadline = Deadline(inMilliseconds: 60_000)

  private func audit() throws -> AuditFile {
    try AuditFile(path, secrets: Redactor(), log: state.log)
  }

  private func record(_ number: Int, filler: String = "") -> [UInt8] {
    JSONFragment { writer in
      writer.object {
        $0.member("number", number)
        $0.member("filler", filler)
      }
    }.bytes
  }

  /// The numbers of the records in lines that form a chain.
  private func numbers(in text: String) throws -> [Int] {
    var previous: [UInt8]?
    return try text.split(separator: "\n").enumerated().map { position, line in
      let json = try JSON.parse(String(line))
      #expect(json["seq"]?.integer == Int64(position + 1))
      #expect(json["previous"]?.string == (try previous.map { try AuditChain.digest($0[...]) }))
      previous = Array(line.utf8)
      return Int(try #require(json["number"]?.integer))
    }
  }

  private func readAll(_ descriptor: Int32, until count: Int) async -> String {
    var text = ""
    _ = await state.eventually {
      var bytes = [UInt8](repeating: 0, count: 100_000)
      let length = read(descriptor, &bytes, bytes.count)
      if length > 0 { text += String(decoding: bytes.prefix(length), as: UTF8.self) }
      return text.filter { $0 == "\n" }.count >= count
    }
    return text
  }

  @Test func `a record is in the file before its answer, and records are in order`() async throws {
    let audit = try audit()
    for number in 0..<100 {
      #expect(await audit.write(record(number), until: farDeadline))
      #expect(state.content("audit").filter { $0 == "\n" }.count == number + 1)
    }
    #expect(try numbers(in: state.content("audit")) == Array(0..<100))
  }

  @Test func `records of many callers are whole lines`() async throws {
    let audit = try audit()
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<500 {
        group.addTask { await audit.write(self.record(number), until: self.farDeadline) }
      }
    }
    #expect(try numbers(in: state.content("audit")).sorted() == Array(0..<500))
  }

  @Test func `a FIFO without a reader delays nothing, and a reader gets everything`() async throws {
    mkfifo(path, 0o600)
    let audit = try audit()
    for number in 0..<50 { await audit.write(record(number), until: farDeadline) }
    #expect(await audit.flush(until: Deadline(inMilliseconds: 30)) == false)
    #expect(await state.eventually { state.content("log").contains("were not written") })
    let reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    defer { close(reader) }
    #expect(try numbers(in: await readAll(reader, until: 50)) == Array(0..<50))
    #expect(await audit.flush(until: farDeadline))
  }

  @Test func `a reader that goes away and comes again loses nothing that is written later`()
    async throws
  {
    mkfifo(path, 0o600)
    signal(SIGPIPE, SIG_IGN)
    let first = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    let audit = try audit()
    await audit.write(record(1), until: farDeadline)
    let before = await readAll(first, until: 1)
    close(first)
    await audit.write(record(2), until: farDeadline)
    let second = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    defer { close(second) }
    #expect(try numbers(in: before + (await readAll(second, until: 1))) == [1, 2])
  }

  @Test func `a full FIFO delays nothing, and its reader gets whole lines in order`() async throws {
    mkfifo(path, 0o600)
    let reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    defer { close(reader) }
    let audit = try audit()
    let wide = String(repeating: "x", count: 1_000)
    for number in 0..<200 {
      await audit.write(record(number, filler: wide), until: farDeadline)
    }
    let text = await readAll(reader, until: 200)
    #expect(try numbers(in: text) == Array(0..<200))
    #expect(await audit.flush(until: farDeadline))
  }

  @Test func `a file is opened anew after a rotation`() async throws {
    let audit = try audit()
    await audit.write(record(1), until: farDeadline)
    rename(path, path + ".1")
    audit.reopen()
    await audit.write(record(2), until: farDeadline)
    let (old, new) = (state.content("audit.1"), state.content("audit"))
    #expect(try numbers(in: old) == [1])
    let first = try JSON.parse(new)
    #expect(first["seq"]?.integer == 1)
    #expect(first["previous"]?.string == (try AuditChain.digest(Array(old.utf8).dropLast())))
  }
}
