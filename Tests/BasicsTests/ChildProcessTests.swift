import Glibc
import Testing

@testable import Basics

@Suite struct ChildProcessTests {
  private func run(
    _ words: String..., maximumBytes: Int = 1_000, milliseconds: Int = 30_000,
    environment: [String: String] = ["PATH": "/usr/bin:/bin"]
  ) throws -> ChildProcess.Result {
    try ChildProcess(words, environment: environment, maximumBytes: maximumBytes)
      .run(until: Deadline(inMilliseconds: milliseconds))
  }

  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  @Test func `output, errors and the ending are returned`() throws {
    let result = try run("sh", "-c", "echo half; echo wrong >&2; exit 3")
    #expect(text(result.output) == "half\n" && text(result.errors) == "wrong\n")
    #expect(result.ending == .exit(status: 3))
    #expect(try run("sh", "-c", "kill -TERM $$").ending == .signal(15))
    #expect(try run("cat").ending == .exit(status: 0), "stdin is empty")
    #expect(text(try run("env", environment: ["A": "b c"]).output) == "A=b c\n")
  }

  @Test func `a program that cannot start differs from a machine that cannot start it`() {
    for (word, code) in [("no-such-program-at-all", ENOENT), ("/etc/passwd", EACCES)] {
      let refusal = #expect(throws: ChildStart.Refusal.self) { try run(word) }
      #expect(refusal?.code == code && refusal?.concernsProgram == true)
    }
    #expect(!ChildStart.Refusal(code: EAGAIN).concernsProgram)
    #expect(!ChildStart.Refusal(code: EMFILE).concernsProgram)
  }

  @Test func `a program that prints too much is killed`() throws {
    #expect(try run("yes").ending == .tooMuchOutput)
    #expect(text(try run("printf", "12345", maximumBytes: 5).output) == "12345")
    let result = try run("printf", "123456", maximumBytes: 5)
    #expect(result.ending == .tooMuchOutput && result.output.isEmpty)
  }

  @Test func `only the end of the errors is kept`() throws {
    let result = try run("sh", "-c", "yes error | head -c 999996 >&2; echo last >&2")
    #expect(result.ending == .exit(status: 0))
    #expect(result.errors.count == ChildProcess.maximumErrorBytes)
    #expect(text(result.errors).hasSuffix("error\nlast\n"))
  }

  @Test(arguments: [
    ["sleep", "60"], ["sh", "-c", "exec >&-; exec sleep 60"],
    ["sh", "-c", "trap '' TERM; sleep 60; sleep 60"],
  ])
  func `a program that exceeds the deadline is killed`(words: [String]) throws {
    let start = MonotonicTime.now
    let result = try ChildProcess(
      words, environment: ["PATH": "/usr/bin:/bin"], maximumBytes: 10
    ).run(until: Deadline(inMilliseconds: 100))
    #expect(result.output.isEmpty && result.ending == .deadline)
    #expect((100...20_000).contains(MonotonicTime.now.milliseconds(since: start)))
  }

  @Test func `a stopped program ends, also before its start`() async throws {
    let program = ChildProcess(
      ["sleep", "60"], environment: ["PATH": "/usr/bin:/bin"], maximumBytes: 10)
    let stop = ChildProcess.Stop()
    async let result = BlockingWork("test", threads: 1).run {
      try? program.run(until: Deadline(inMilliseconds: 60_000), stop: stop).ending
    }
    await Task.pause(milliseconds: 50)
    stop.stop()
    #expect(try await result == .stopped)
    #expect(try program.run(until: Deadline(inMilliseconds: 1), stop: stop).ending == .stopped)
  }
}
