import Basics
import Testing

@Suite struct ChildProcessTests {
  private func run(
    _ words: String..., maximumBytes: Int = 1_000, milliseconds: Int = 10_000
  ) throws -> (output: String, status: Int) {
    let (output, status) = try ChildProcess.run(
      words, maximumBytes: maximumBytes, deadline: Deadline(inMilliseconds: milliseconds))
    return (String(decoding: output, as: UTF8.self), status)
  }

  @Test func `output and exit status are returned`() throws {
    #expect(try run("printf", "a b") == ("a b", 0))
    #expect(try run("sh", "-c", "echo half; exit 3") == ("half\n", 3))
    #expect(try run("sh", "-c", "kill -TERM $$").status == 143)
    #expect(try run("no-such-program-at-all") == ("", 127))
    #expect(try run("cat") == ("", 0), "stdin is empty")
  }

  @Test func `a program that prints too much is killed`() throws {
    #expect(try run("yes") == ("", 141))
    #expect(try run("printf", "12345", maximumBytes: 5) == ("12345", 0))
    #expect(try run("printf", "123456", maximumBytes: 5).output == "")
  }

  @Test(arguments: [["sleep", "60"], ["sh", "-c", "exec >&-; exec sleep 60"]])
  func `a program that exceeds the deadline is killed`(words: [String]) throws {
    let start = MonotonicTime.now
    let (output, status) = try ChildProcess.run(
      words, maximumBytes: 10, deadline: Deadline(inMilliseconds: 100))
    #expect(output.isEmpty)
    #expect(status == 137)
    #expect((100...5_000).contains(MonotonicTime.now.milliseconds(since: start)))
  }
}
