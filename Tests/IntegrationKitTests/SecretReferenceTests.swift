import Basics
import Foundation
import Redaction
import Testing

@testable import IntegrationKit

@Suite struct SecretReferenceTests {
  private struct Outcome: Equatable {
    var value: String?
    var reason: String?
  }

  private func resolve(_ reference: SecretReference, _ secrets: Redactor) async -> Outcome {
    do throws(SecretReference.Fault) {
      return Outcome(
        value: try await reference.resolve(secrets, by: Deadline(inMilliseconds: 60_000)))
    } catch {
      #expect(!error.remedy.isEmpty)
      return Outcome(reason: error.reason)
    }
  }

  private func expect(
    _ reference: SecretReference, is value: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) async {
    let secrets = Redactor()
    let outcome = await resolve(reference, secrets)
    #expect(outcome == Outcome(value: value), sourceLocation: sourceLocation)
    #expect(
      secrets.redact("a \(value) b") == "a [redacted] b", "the secret is not redacted",
      sourceLocation: sourceLocation)
  }

  private func expect(
    _ reference: SecretReference, failsWith reason: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) async {
    let outcome = await resolve(reference, Redactor())
    #expect(outcome == Outcome(reason: reason), sourceLocation: sourceLocation)
  }

  /// Creates a file for the duration of `body`.
  private func withFile(_ content: String, _ body: (String) async -> Void) async throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try Data(content.utf8).write(to: file)
    await body(file.path)
    try FileManager.default.removeItem(at: file)
  }

  @Test func `a literal resolves to itself without line ends behind it`() async {
    await expect(.literal(" pass "), is: " pass ")
    await expect(.literal(" pass\n"), is: " pass")
    await expect(.literal(""), failsWith: "the setting is empty")
  }

  @Test func `an environment variable is read on use`() async {
    let name = "SALLYPORT_TEST_SECRET"
    await expect(.environment(name), failsWith: "the environment variable \(name) is not set")
    setenv(name, "", 1)
    await expect(.environment(name), failsWith: "the environment variable \(name) is empty")
    setenv(name, "from here\n", 1)
    await expect(.environment(name), is: "from here")
    unsetenv(name)
  }

  @Test(arguments: [
    ("from a file", "from a file"), ("from a file\n", "from a file"),
    ("from a file\r\n", "from a file"), ("word\n\n", "word"), (" in spaces \n", " in spaces "),
    ("two\nlines\n", "two\nlines"),
  ])
  func `line ends at the end of a file are removed`(content: String, value: String) async throws {
    try await withFile(content) { await expect(.file($0), is: value) }
  }

  @Test func `a missing, empty or too large file is reported`() async throws {
    await expect(.file("/nowhere/at/all"), failsWith: "/nowhere/at/all: No such file or directory")
    for content in ["", "\n"] {
      try await withFile(content) { await expect(.file($0), failsWith: "\($0) is empty") }
    }
    try await withFile(String(repeating: "x", count: SecretReference.maximumBytes + 1)) {
      await expect(.file($0), failsWith: "\($0) has more than 16384 bytes")
    }
    try await withFile(String(repeating: "x", count: SecretReference.maximumDocumentBytes + 1)) {
      await expect(.file($0), failsWith: "\($0): File too large")
    }
  }

  @Test func `one trailing line break of a command's output is removed`() async {
    await expect(.command(["printf", "%s\\n", "by a program"]), is: "by a program")
    await expect(.command(["printf", "by a program"]), is: "by a program")
    // The arguments are not expanded by a shell, and stdin is empty.
    await expect(.command(["echo", "$HOME", ";"]), is: "$HOME ;")
    await expect(.command(["sh", "-c", "cat; echo done"]), is: "done")
  }

  @Test func `the error of a failed command does not contain its output`() async {
    await expect(
      .command(["sh", "-c", "echo half; exit 3"]), failsWith: "the command sh ended with status 3")
    await expect(
      .command(["sh", "-c", "echo half; echo not half >&2; exit 3"]),
      failsWith: "the command sh ended with status 3: not [redacted]")
    await expect(
      .command(["no-such-program-at-all"]),
      failsWith: "the command no-such-program-at-all cannot be started: No such file or directory")
    await expect(.command(["true"]), failsWith: "the output of the command true is empty")
  }
}
